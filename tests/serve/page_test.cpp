// The chat page stands alone: nothing of it is left out, and nothing comes from elsewhere.
#include "artemis/serve/page.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace artemis {
namespace {

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Page, IsOneDocument) {
  const std::string_view page = page_document();
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  for (const char* once : {"<style>", "</style>", "<script>", "</script>"})
    EXPECT_EQ(count(page, once), 1u) << once;
  EXPECT_EQ(count(page, "@page."), 0u);
  // A piece of the style and of the first and the last script.
  for (const char* piece : {"color-scheme: light dark", "const byId = ", "async function connect()"}) {
    EXPECT_EQ(count(page, piece), 1u) << piece;
  }
}

TEST(Page, LoadsNothingFromElsewhere) {
  const std::string_view page = page_document();
  for (const char* loads : {"src=\"http", "href=\"http", "src=\"//", "href=\"//", "@import", "url(",
                            "<iframe", "<object", "<base"}) {
    EXPECT_EQ(count(page, loads), 0u) << loads;
  }
  // What a model says never becomes markup or code.
  for (const char* risk : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                           "new Function", " style=\"", " onclick=\""}) {
    EXPECT_EQ(count(page, risk), 0u) << risk;
  }
}

TEST(Page, PolicyNamesItsOwnScriptAndStyle) {
  const std::string& policy = page_policy();
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
  // 32 bytes are 44 characters of base64, the last one a filling.
  EXPECT_EQ(count(policy, "=';"), 2u) << policy;
  EXPECT_EQ(count(policy, "'unsafe"), 0u) << policy;
  EXPECT_EQ(std::ranges::count(policy, '\n'), 0);
}

}  // namespace
}  // namespace artemis

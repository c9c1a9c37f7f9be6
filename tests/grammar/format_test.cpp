// Formats of strings beyond those that jsonschema can judge.
#include <gtest/gtest.h>

#include "artemis/grammar/constraint.h"
#include "vocabularies.h"

namespace artemis {
namespace {

TEST(Format, Uri) {
  const auto grammar = json_schema_grammar(Json{{"type", "string"}, {"format", "uri"}});
  for (const char* text : {"https://a.org/b?c=d%20e#f", "urn:a", "a:/"}) {
    EXPECT_TRUE(fits(grammar, Json(text).dump())) << text;
  }
  for (const char* text : {"a", "a:b%", "a:b%2", "a:b%zz", "a:b#c#d", "a:b c"}) {
    EXPECT_FALSE(fits(grammar, Json(text).dump())) << text;
  }
}

}  // namespace
}  // namespace artemis

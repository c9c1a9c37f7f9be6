// What tokenizer_config.json and special_tokens_map.json change (tests/golden/tokenizer/configs.py).
#include <gtest/gtest.h>

#include "artemis/text/tokenizer.h"
#include "support/files.h"

namespace artemis {
namespace {

using Ids = std::vector<std::int32_t>;

SortedJson cases() { return read_sorted_json(std::string(ARTEMIS_GOLDEN_DIR) + "/tokenizer/configs.json"); }

Tokenizer load(const SortedJson& entry) {
  const test::TemporaryFolder folder;
  folder.write("tokenizer.json", entry["tokenizer"].dump());
  folder.write("tokenizer_config.json", entry["config"].dump());
  if (!entry["special_tokens_map"].is_null()) {
    folder.write("special_tokens_map.json", entry["special_tokens_map"].dump());
  }
  return Tokenizer::load(folder.path());
}

SortedJson or_null(const std::optional<std::int32_t>& id) { return id ? SortedJson(*id) : SortedJson(); }

TEST(Config, TokensAndTemplatesAreTheReferences) {
  const SortedJson all = cases();
  ASSERT_GE(all.size(), 15u);
  for (const SortedJson& entry : all) {
    SCOPED_TRACE(entry["config"].dump() + entry["special_tokens_map"].dump());
    const Tokenizer tokenizer = load(entry);
    EXPECT_EQ(or_null(tokenizer.bos_id()), entry["named"]["bos"]);
    EXPECT_EQ(or_null(tokenizer.eos_id()), entry["named"]["eos"]);
    EXPECT_EQ(or_null(tokenizer.pad_id()), entry["named"]["pad"]);
    EXPECT_EQ(or_null(tokenizer.unk_id()), entry["named"]["unk"]);
    for (const SortedJson& result : entry["results"]) {
      SCOPED_TRACE(result["text"].dump());
      const Ids ids = tokenizer.encode(result["text"].get<std::string>(), true);
      EXPECT_EQ(ids, result["ids"].get<Ids>());
      EXPECT_EQ(tokenizer.decode(ids, false), result["decoded"].get<std::string>());
      EXPECT_EQ(tokenizer.decode(ids, true), result["skipped"].get<std::string>());
      std::vector<std::string> tokens;
      for (const std::int32_t id : ids) tokens.push_back(tokenizer.id_to_token(id));
      EXPECT_EQ(tokens, result["tokens"].get<std::vector<std::string>>());
    }
  }
}

}  // namespace
}  // namespace artemis

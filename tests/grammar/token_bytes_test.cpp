// The bytes of a real vocabulary, and the trie over them.
#include "artemis/grammar/token_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "vocabularies.h"

namespace artemis {
namespace {

const Tokenizer& nano() {
  static const Tokenizer tokenizer =
      Tokenizer::load(std::string(ARTEMIS_SOURCE_DIR) + "/lab/models/nano-vlm");
  return tokenizer;
}

TEST(TokenBytes, AreWhatTheTokenizerDecodes) {
  const TokenBytes tokens(nano());
  ASSERT_EQ(tokens.vocab(), nano().vocab_size());
  std::string text;
  for (const std::int32_t id : nano().encode("Grüße, 12 foxes 🦊 {\"a\": [1]}\n", false))
    text += tokens.bytes(id);
  EXPECT_EQ(text, "Grüße, 12 foxes 🦊 {\"a\": [1]}\n");
  EXPECT_EQ(tokens.added("<tool_call>"), nano().token_to_id("<tool_call>"));
  EXPECT_TRUE(tokens.bytes(*nano().token_to_id("<tool_call>")).empty());
  EXPECT_FALSE(tokens.added("the").has_value());
}

TEST(TokenBytes, RowsOfLogitsMayBeLongerOrShorter) {
  const TokenBytes longer(nano(), nano().vocab_size() + 100);
  EXPECT_EQ(longer.vocab(), nano().vocab_size() + 100);
  EXPECT_TRUE(longer.bytes(static_cast<std::int32_t>(nano().vocab_size())).empty());
  EXPECT_EQ(TokenBytes(nano(), 300).vocab(), 300);
}

TEST(TokenBytes, TrieHasEachTokenAtItsBytes) {
  for (const auto& tokens :
       {std::make_shared<const TokenBytes>(nano()), vocabulary({"a", "ab", "abc", "ab", "b"})}) {
    const auto nodes = tokens->nodes();
    std::string path;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i > 0) {
        path.resize(nodes[i].depth - 1u);
        path += static_cast<char>(nodes[i].byte);
      }
      ASSERT_GT(nodes[i].skip, i);
      for (const std::int32_t id : tokens->tokens_at(i)) {
        ASSERT_EQ(tokens->bytes(id), path);
        ++seen;
      }
    }
    std::size_t with_bytes = 0;
    for (std::int32_t id = 0; id < tokens->vocab(); ++id) with_bytes += tokens->bytes(id).empty() ? 0u : 1u;
    EXPECT_EQ(seen, with_bytes);
  }
}

TEST(TokenBytes, AnswersOfTheNanoModelsVocabulary) {
  Constraint constraint(json_object_grammar(), std::make_shared<const TokenBytes>(nano()));
  for (const std::int32_t id : nano().encode("{\"shape\": \"small circle\", \"count\": 3}", false)) {
    const std::vector<std::int32_t> allowed = ids_of(mask_of(constraint));
    EXPECT_TRUE(std::ranges::find(allowed, id) != allowed.end()) << nano().id_to_token(id);
    ASSERT_TRUE(constraint.accept(id));
  }
  EXPECT_TRUE(constraint.may_end());
}

}  // namespace
}  // namespace artemis

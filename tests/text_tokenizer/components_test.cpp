// Normalizers, pre-tokenizers and decoders alone (tests/golden/tokenizer/components.py).
#include <gtest/gtest.h>

#include "artemis/text/byte_level.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/pre_tokenizer.h"
#include "artemis/text/token_decoder.h"

namespace artemis {
namespace {

const SortedJson& components(const char* kind) {
  static const SortedJson all =
      read_sorted_json(std::string(ARTEMIS_GOLDEN_DIR) + "/tokenizer/components.json");
  return all[kind];
}

TEST(Components, PreTokenizersCutAsTheReference) {
  ASSERT_GE(components("pre_tokenizers").size(), 90u);
  for (const SortedJson& component : components("pre_tokenizers")) {
    const PreTokenizer pre_tokenizer = PreTokenizer::from_json(component["json"], "test");
    for (const SortedJson& entry : component["cases"]) {
      Pieces pieces;
      const auto text = entry[0].get<std::string>();
      pre_tokenizer.cut(text, true, pieces);
      std::vector<std::string> found;
      for (const TextRange range : pieces.ranges) {
        const std::string_view piece = pieces.piece(range);
        found.push_back(pre_tokenizer.byte_level() ? to_byte_level(piece) : std::string(piece));
      }
      EXPECT_EQ(found, entry[1].get<std::vector<std::string>>()) << component["json"] << " of " << entry[0];
    }
  }
}

TEST(Components, NormalizersChangeAsTheReference) {
  ASSERT_GE(components("normalizers").size(), 12u);
  for (const SortedJson& component : components("normalizers")) {
    const Normalizer normalizer = Normalizer::from_json(component["json"], "test");
    for (const SortedJson& entry : component["cases"]) {
      EXPECT_EQ(normalizer(entry[0].get<std::string>()), entry[1].get<std::string>())
          << component["json"] << " of " << entry[0];
    }
  }
}

TEST(Components, DecodersJoinAsTheReference) {
  ASSERT_GE(components("decoders").size(), 12u);
  for (const SortedJson& component : components("decoders")) {
    const TokenDecoder decoder = TokenDecoder::from_json(component["json"], "test");
    for (const SortedJson& entry : component["cases"]) {
      EXPECT_EQ(decoder(entry[0].get<std::vector<std::string>>()), entry[1].get<std::string>())
          << component["json"] << " of " << entry[0];
    }
  }
}

}  // namespace
}  // namespace artemis

// Every code point, as the reference splits, normalises and lowers it (tests/golden/tokenizer/sweep.py).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>

#include "artemis/text/normalizer.h"
#include "artemis/text/pre_tokenizer.h"
#include "artemis/text/utf8.h"
#include "golden.h"

namespace artemis {
namespace {

using Step = std::function<std::string(std::string_view)>;

Step split(const std::string& pattern) {
  const SortedJson json = {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
  return [cutter = PreTokenizer::from_json(json, "test")](std::string_view text) {
    Pieces pieces;
    cutter.cut(text, true, pieces);
    std::string out;
    for (const TextRange range : pieces.ranges) (out += pieces.piece(range)) += '\0';
    return out;
  };
}

Step normalizer(const std::string& type) {
  return [step = Normalizer::from_json({{"type", type}}, "test")](std::string_view text) {
    return step(std::string(text));
  };
}

std::string pattern_of(const std::string& name) {
  const SortedJson json =
      read_sorted_json(std::string(ARTEMIS_GOLDEN_DIR) + "/tokenizer/" + name + "/tokenizer.json");
  return json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"].get<std::string>();
}

std::string block_text(char32_t first) {
  std::string text;
  for (char32_t c = first; c < first + 256; ++c) {
    if (c == 0 || (c >= 0xD800 && c < 0xE000)) continue;
    std::string character;
    append_code_point(character, c);
    for (const char* before : {"a", "", "B1 ", "\u05B4", "\u05B4\u0300\u0345"}) (text += before) += character;
    text += "\u0334.";
  }
  return text;
}

std::vector<std::uint32_t> expected_hashes() {
  std::ifstream file(std::string(ARTEMIS_GOLDEN_DIR) + "/tokenizer/sweep.bin", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<std::uint32_t> words(bytes.size() / sizeof(std::uint32_t));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(std::uint32_t));
  return words;
}

TEST(Unicode, EveryCodePointIsTheReferences) {
  const std::vector<Step> steps = {split(pattern_of("tekken")), split(pattern_of("qwen")),
                                   split("\\w+|\\p{Han}"),      normalizer("NFC"),
                                   normalizer("NFD"),           normalizer("NFKC"),
                                   normalizer("NFKD"),          normalizer("Lowercase")};
  std::vector<char32_t> pages(0x33);
  std::iota(pages.begin(), pages.end(), U'\0');
  pages.push_back(0xE0);
  const std::vector<std::uint32_t> expected = expected_hashes();
  ASSERT_EQ(expected.size(), steps.size() * pages.size() * 16);
  std::size_t number = 0;
  for (std::size_t step = 0; step < steps.size(); ++step) {
    for (const char32_t page : pages) {
      for (char32_t block = 0; block < 16; ++block) {
        const char32_t first = page * 0x1000 + block * 0x100;
        const std::uint64_t hash = golden::hash_of(steps[step](block_text(first)));
        EXPECT_EQ(static_cast<std::uint32_t>(hash >> 32 ^ hash), expected[number++])
            << "step " << step << fmt::format(", block U+{:04X}", static_cast<std::uint32_t>(first));
      }
    }
  }
}

}  // namespace
}  // namespace artemis

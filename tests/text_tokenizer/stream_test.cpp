// Streaming: whole characters as they come, and in the end the text that decode gives.
#include "artemis/text/stream_decoder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "artemis/core/error.h"
#include "artemis/text/utf8.h"
#include "golden.h"

namespace artemis::golden {
namespace {

using Ids = std::vector<std::int32_t>;

class Stream : public testing::TestWithParam<Reference> {
 protected:
  const Tokenizer& tokens() const { return tokenizer(GetParam().name); }

  // Streams ids both ways; every push must be UTF-8 of its own.
  void check(const Ids& ids) const {
    for (const bool skip : {false, true}) {
      StreamDecoder stream(tokens(), skip);
      std::string text;
      for (const std::int32_t id : ids) {
        const std::string piece = stream.push(id);
        ASSERT_TRUE(is_utf8(piece)) << Json(ids).dump();
        text += piece;
      }
      text += stream.flush();
      ASSERT_EQ(text, tokens().decode(ids, skip)) << Json(ids).dump();
    }
  }
};

TEST_P(Stream, GivesTheTextOfCases) {
  const std::vector<std::size_t> numbers = case_numbers(GetParam());
  for (std::size_t i = 0; i < numbers.size(); i += 5) {
    const std::string& text = cases()[numbers[i]];
    if (text.size() < 1000) check(tokens().encode(text, true));
    if (HasFatalFailure()) return;
  }
}

TEST_P(Stream, ShownTokensAreNotSkipped) {
  std::vector<std::int32_t> special;
  for (std::int32_t id = 0; id < tokens().vocab_size() && special.size() < 2; ++id) {
    if (tokens().is_special(id)) special.push_back(id);
  }
  if (special.size() < 2) GTEST_SKIP() << "the tokenizer has no two special tokens";
  StreamDecoder stream(tokens(), true, {special[1]});
  EXPECT_EQ(stream.push(special[0]) + stream.push(special[1]) + stream.flush(),
            tokens().decode(Ids{special[1]}, false));
}

// A model's vocabulary may be padded; the reference passes over such ids too.
TEST_P(Stream, IdsWithoutATokenHaveNoText) {
  StreamDecoder stream(tokens(), true);
  const auto beyond = static_cast<std::int32_t>(tokens().vocab_size());
  EXPECT_FALSE(tokens().has_token(beyond) || tokens().has_token(-1));
  EXPECT_EQ(stream.push(beyond) + stream.flush(), "");
}

TEST_P(Stream, GivesTheTextOfIdsAtRandom) {
  std::mt19937 random(1);
  std::vector<std::int32_t> known;
  for (std::int32_t id = 0; id < tokens().vocab_size(); ++id) {
    try {
      tokens().id_to_token(id);
      known.push_back(id);
    } catch (const Error&) {
      continue;  // a hole
    }
  }
  // The first ids are the single bytes, which rarely make whole characters.
  for (const std::size_t range : {std::size_t{400}, known.size()}) {
    for (int round = 0; round < 400; ++round) {
      Ids ids;
      for (int i = 0; i < 12; ++i) ids.push_back(known[random() % range]);
      check(ids);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Stream, ShowsTextAsItComes) {
  StreamDecoder stream(tokens(), false);
  std::string text;
  std::size_t held = 0;
  for (const std::int32_t id : tokens().encode("The quick brown fox jumps over the lazy dog", false)) {
    const std::string piece = stream.push(id);
    text += piece;
    held = piece.empty() ? held + 1 : 0;
    EXPECT_LE(held, 2u) << "after " << text;
  }
  EXPECT_NE(text, "");
}

TEST_P(Stream, TakesTheSameTimeForEachToken) {
  const Ids once = tokens().encode("The quick brown fox jumps over the lazy dog. ", false);
  StreamDecoder stream(tokens(), false);
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < 200000; ++i) stream.push(once[i % once.size()]);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Stream, testing::ValuesIn(references()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace artemis::golden

// Time grows with the text's length whatever the text: a million of one thing (a tenth of that with a
// sanitizer, which takes ten times as long) takes less than two seconds, and four times as much at most nine
// times as long.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "artemis/text/stream_decoder.h"
#include "golden.h"

namespace artemis::golden {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t most = 100'000;
#else
constexpr std::size_t most = 1'000'000;
#endif
constexpr double most_seconds = 2;
constexpr int attempts = 5;  // other programs may hold the processor

struct Run {
  const char* name;
  std::string_view unit;
};

void PrintTo(const Run& run, std::ostream* out) { *out << run.name; }

std::string repeated(std::string_view unit, std::size_t times) {
  std::string text;
  text.reserve(unit.size() * times);
  while (times-- > 0) text += unit;
  return text;
}

// Seconds of this thread's processor time.
template <typename Action>
double seconds(const Action& action) {
  timespec start{};
  timespec end{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  action();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  return static_cast<double>(end.tv_sec - start.tv_sec) +
         static_cast<double>(end.tv_nsec - start.tv_nsec) * 1e-9;
}

// action(n) does n things' work. Four times the work may take nine times as long; quadratic time would be
// sixteen.
template <typename Action>
void expect_linear(const Action& action) {
  double quarter = 1e9;
  double whole = 1e9;
  for (int i = 0; i < attempts; ++i) {
    quarter = std::min(quarter, seconds([&] { action(most / 4); }));
    whole = std::min(whole, seconds([&] { action(most); }));
    if (whole < most_seconds && whole < 9 * quarter) return;
  }
  EXPECT_LT(whole, most_seconds);
  EXPECT_LT(whole, 9 * quarter);
}

class Linear : public testing::TestWithParam<std::tuple<Reference, Run>> {};

TEST_P(Linear, EncodesAMillion) {
  const Tokenizer& tokens = tokenizer(std::get<0>(GetParam()).name);
  expect_linear([&](std::size_t count) {
    const std::string text = repeated(std::get<1>(GetParam()).unit, count);
    EXPECT_GT(tokens.encode(text, true).size(), 0u);
  });
}

constexpr Run runs[] = {{"Letters", "a"},
                        {"Capitals", "A"},
                        {"Digits", "7"},
                        {"Spaces", " "},
                        {"Newlines", "\n"},
                        {"Tabs", "\t"},
                        {"BlankLines", " \n"},
                        {"WindowsLines", "\r\n"},
                        {"Marks", "\u0301"},
                        {"MarksOfTwoClasses", "\u0301\u0323"},
                        {"Hangul", "\u1100\u1161"},
                        {"Apostrophes", "'"},
                        {"Slashes", "/"},
                        {"Beginnings", "<"},
                        {"Joiners", "\u200d"},
                        {"BrokenBytes", "\xFF"},
                        {"CutCharacters", "\xF0\x9F\x98"},
                        {"SpecialTokens", "<s>"},
                        {"SpacesAndATokenOfTheirs", " [T10]"}};

INSTANTIATE_TEST_SUITE_P(Runs, Linear,
                         testing::Combine(testing::ValuesIn(references()), testing::ValuesIn(runs)),
                         [](const auto& instance) {
                           return std::get<0>(instance.param).name + std::get<1>(instance.param).name;
                         });

class LinearDecoding : public testing::TestWithParam<Reference> {};

TEST_P(LinearDecoding, DecodesAndStreamsAMillion) {
  const Tokenizer& tokens = tokenizer(GetParam().name);
  const std::vector<std::int32_t> some = tokens.encode("A fox's 7 \xF0\x9F\xA6\x8A \u0301 <0xFF> \n", true);
  expect_linear([&](std::size_t count) {
    std::vector<std::int32_t> ids;
    while (ids.size() < count / 10) ids.insert(ids.end(), some.begin(), some.end());
    StreamDecoder stream(tokens, false);
    std::string text;
    for (const std::int32_t id : ids) text += stream.push(id);
    text += stream.flush();
    EXPECT_EQ(text, tokens.decode(ids, false));
  });
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, LinearDecoding, testing::ValuesIn(references()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace artemis::golden

// Ids and texts equal the reference's, for every case and tokenizer.
#include "golden.h"

#include <gtest/gtest.h>

namespace artemis::golden {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr int most_reported = 20;  // differing cases that are printed

class Golden : public testing::TestWithParam<Reference> {
 protected:
  const Tokenizer& tokens() const { return tokenizer(GetParam().name); }
};

std::string start_of(const std::string& text) {
  return Json(text.substr(0, 80)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

TEST_P(Golden, IdsOfEveryCase) {
  const std::vector<std::size_t> numbers = case_numbers(GetParam());
  const std::vector<Hashes> expected = hashes(GetParam().name);
  ASSERT_EQ(expected.size(), numbers.size());
  int differing = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string& text = cases()[numbers[i]];
    const Ids ids = tokens().encode(text, true);
    if (hash_of(ids) == expected[i].ids) continue;
    if (++differing <= most_reported)
      ADD_FAILURE() << "case " << numbers[i] << ": " << start_of(text) << " gave "
                    << Json(ids).dump().substr(0, 200);
  }
  EXPECT_EQ(differing, 0) << "of " << numbers.size() << " cases";
}

TEST_P(Golden, TextsOfEveryCase) {
  const std::vector<std::size_t> numbers = case_numbers(GetParam());
  const std::vector<Hashes> expected = hashes(GetParam().name);
  ASSERT_EQ(expected.size(), numbers.size());
  int differing = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Ids ids = tokens().encode(cases()[numbers[i]], true);
    const std::string texts = tokens().decode(ids, false) + '\0' + tokens().decode(ids, true);
    if (hash_of(texts) == expected[i].texts) continue;
    if (++differing <= most_reported)
      ADD_FAILURE() << "case " << numbers[i] << ": " << start_of(cases()[numbers[i]]) << " gave "
                    << start_of(texts);
  }
  EXPECT_EQ(differing, 0) << "of " << numbers.size() << " cases";
}

TEST_P(Golden, IdsInFull) {
  for (const Json& line : lines(GetParam().name, "ids.jsonl")) {
    const std::string& text = cases()[line[0].get<std::size_t>()];
    EXPECT_EQ(tokens().encode(text, true), line[1].get<Ids>()) << line[0] << ": " << start_of(text);
    EXPECT_EQ(tokens().encode(text, false), line[2].get<Ids>()) << line[0] << ": " << start_of(text);
  }
}

TEST_P(Golden, TextsOfRandomIds) {
  for (const Json& line : lines(GetParam().name, "decoded.jsonl")) {
    const Ids ids = line[0].get<Ids>();
    EXPECT_EQ(tokens().decode(ids, false), line[1].get<std::string>()) << line[0];
    EXPECT_EQ(tokens().decode(ids, true), line[2].get<std::string>()) << line[0];
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Golden, testing::ValuesIn(references()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace artemis::golden

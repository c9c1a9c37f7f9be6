#include "artemis/kernels/sampling.h"

#include <algorithm>

#include "artemis/kernels/sampling_weight.h"
#include "reference.h"

namespace artemis::test {
namespace {

TEST(SamplingWeight, IsTheExponentialInWholeNumbers) {
  EXPECT_EQ(sampling_weight(0.0f), std::uint64_t{1} << sampling_weight_bits);
  EXPECT_EQ(sampling_weight(INFINITY), 0u);
  for (float below = 0.0f; below < 30.0f; below += 0x1.234p-7f) {
    const double exact = std::ldexp(std::exp(-static_cast<double>(below)), sampling_weight_bits);
    EXPECT_NEAR(static_cast<double>(sampling_weight(below)), exact, exact * 0x1p-29 + 1) << below;
  }
}

TEST(SamplingWeight, ShareAndPointStayWithinTheTotal) {
  const std::uint64_t total = (std::uint64_t{1} << 60) - 1;  // that no double holds
  EXPECT_EQ(share_of_weight(1.0f, total), total);
  EXPECT_EQ(share_of_weight(0.5f, 9), 5u);
  EXPECT_EQ(share_of_weight(1e-30f, total), 1u);
  EXPECT_EQ(point_in_weight(0.0, total), 0u);
  EXPECT_LT(point_in_weight(0x1.fffffffffffffp-1, total), total);
  EXPECT_EQ(point_in_weight(0x1.fffffffffffffp-1, 9), 8u);
  EXPECT_EQ(point_in_weight(0.5, 9), 4u);
}

// The same in probabilities; not for infinite logits alone.
std::int32_t drawn(const Values& logits, const std::vector<std::uint8_t>& seen, const RowSampling& how) {
  std::vector<std::pair<double, std::int32_t>> falling;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    auto x = static_cast<float>(logits[i]);
    if (seen[i] != 0) x = x > 0 ? x / how.repetition_penalty : x * how.repetition_penalty;
    if (how.temperature > 0) x /= how.temperature;
    if (!std::isnan(x)) falling.emplace_back(-x, i);
  }
  std::ranges::sort(falling);
  if (how.temperature == 0) return falling[0].second;
  if (how.top_k > 0) falling.resize(std::min(falling.size(), static_cast<std::size_t>(how.top_k)));
  std::vector<double> probabilities;
  double total = 0;
  for (const auto& [negative, id] : falling) {
    probabilities.push_back(std::exp(falling[0].first - negative));
    total += probabilities.back();
  }
  std::size_t kept = 0;
  double share = 0;
  while (kept < falling.size() && share < how.top_p * total) share += probabilities[kept++];
  while (probabilities[kept - 1] < how.min_p) share -= probabilities[--kept];
  double point = how.uniform * share;
  std::size_t i = 0;
  while (i + 1 < kept && point >= probabilities[i]) point -= probabilities[i++];
  return falling[i].second;
}

class SamplingTest : public ::testing::Test {
 protected:
  std::vector<std::int32_t> sample(const Tensor& logits, const Tensor& seen,
                                   const std::vector<RowSampling>& rows) {
    const Tensor ids = Tensor::allocate(DType::i32, {static_cast<std::int64_t>(rows.size())});
    sample_rows(ctx_, ids, logits, seen, rows);
    const auto values = ids.values<std::int32_t>();
    return {values.begin(), values.end()};
  }
  std::int32_t sample(const std::vector<float>& logits, const RowSampling& how) {
    return sample(Tensor::from<float>(logits, {1, static_cast<std::int64_t>(logits.size())}), Tensor(),
                  {how})[0];
  }

  Context ctx_{Device{}, 2};
  Random random_{11};
};

TEST_F(SamplingTest, DrawsAsTheReferenceDoes) {
  constexpr std::int64_t width = 301;
  const std::vector<RowSampling> rules = {
      {},
      {.temperature = 1.0f},
      {.temperature = 0.7f, .top_k = 40},
      {.temperature = 1.3f, .top_k = 1000, .top_p = 0.9f},
      {.temperature = 1.0f, .top_p = 0.5f},
      {.temperature = 1.0f, .min_p = 0.1f},
      {.repetition_penalty = 1.7f, .seen_row = 2},
      {.temperature = 2.0f, .top_k = 100, .top_p = 0.95f, .min_p = 0.02f, .repetition_penalty = 1.2f},
      {.temperature = 0.9f, .top_p = 0.8f, .repetition_penalty = 0.8f, .seen_row = 1}};
  const auto count = static_cast<std::int64_t>(rules.size());
  const Tensor seen = Tensor::zeros(DType::u8, {3, width});
  for (std::uint8_t& flag : seen.mutable_values<std::uint8_t>()) flag = random_.below(4) == 0 ? 1 : 0;
  for (int round = 0; round < 60; ++round) {
    // Many ties, a few that are no number and some that cannot be.
    const Tensor logits = Tensor::allocate(DType::f32, {count, width});
    for (float& x : logits.mutable_values<float>()) {
      x = std::round(random_.normal() * 12.0f) / 4.0f;
      if (random_.below(50) == 0) x = random_.below(2) == 0 ? NAN : -INFINITY;
    }
    std::vector<RowSampling> rows = rules;
    std::vector<std::int32_t> expected;
    for (std::int64_t i = 0; i < count; ++i) {
      RowSampling& how = rows[static_cast<std::size_t>(i)];
      how.uniform = random_.uniform_double();
      const auto own = seen.rows(how.seen_row, how.seen_row + 1).values<std::uint8_t>();
      expected.push_back(drawn(values_of(ctx_, logits.rows(i, i + 1)), {own.begin(), own.end()}, how));
    }
    EXPECT_EQ(sample(logits, seen, rows), expected) << round;
  }
}

TEST_F(SamplingTest, TheEndsOfTheRange) {
  const std::vector<float> logits = {1.0f, 3.0f, NAN, 3.0f, 2.0f};
  EXPECT_EQ(sample(logits, {.temperature = 1.0f, .uniform = 0.0}), 1);
  EXPECT_EQ(sample(logits, {.temperature = 1.0f, .uniform = 0x1.fffffffffffffp-1}), 0);
  EXPECT_EQ(sample(logits, {.temperature = 1.0f, .top_p = 1e-20f, .uniform = 0.99}), 1);
  EXPECT_EQ(sample(logits, {.temperature = 1.0f, .min_p = 1.0f, .uniform = 0.99}), 3);
  EXPECT_EQ(sample(logits, {.temperature = 1.0f, .top_k = 3, .uniform = 0.999}), 4);
  EXPECT_EQ(sample(logits, {.temperature = 1e-40f, .uniform = 0.999}), 4);  // all are infinite
}

TEST_F(SamplingTest, InfiniteLogitsAreAsLikelyAsTheirEquals) {
  const std::vector<float> none(4, -INFINITY);
  EXPECT_EQ(sample(none, {.temperature = 1.0f, .uniform = 0.6}), 2);
  EXPECT_EQ(sample(none, {}), 0);
  const std::vector<float> some = {5.0f, INFINITY, -INFINITY, INFINITY};
  EXPECT_EQ(sample(some, {.temperature = 1.0f, .uniform = 0.4}), 1);
  EXPECT_EQ(sample(some, {.temperature = 1.0f, .min_p = 0.5f, .uniform = 0.9}), 3);
  EXPECT_EQ(sample({NAN, NAN}, {.temperature = 1.0f}), -1);
  EXPECT_EQ(sample({NAN, NAN}, {}), -1);
}

TEST_F(SamplingTest, LeavesWhatItDrewFrom) {
  const Tensor logits = Tensor::from<float>(std::vector<float>{2.0f, -1.0f, 3.0f}, {1, 3});
  const Tensor seen = Tensor::from<std::uint8_t>(std::vector<std::uint8_t>{1, 1, 0}, {1, 3});
  sample(logits, seen, {{.temperature = 0.5f, .repetition_penalty = 2.0f}});
  EXPECT_EQ(values_of(ctx_, logits), (Values{2.0, -4.0, 6.0}));
}

TEST_F(SamplingTest, RefusesWhatItCannotDo) {
  const Tensor logits = Tensor::zeros(DType::f32, {1, 3});
  const Tensor seen = Tensor::zeros(DType::u8, {1, 3});
  EXPECT_THROW(sample(logits, Tensor(), {{.repetition_penalty = 2.0f}}), Error);
  EXPECT_THROW(sample(logits, seen, {{.repetition_penalty = 2.0f, .seen_row = 1}}), Error);
  EXPECT_THROW(sample(logits, seen, {{.temperature = -1.0f}}), Error);
  EXPECT_THROW(sample(logits, seen, {{.uniform = 1.0}}), Error);
  EXPECT_THROW(sample(logits, seen, {{}, {}}), Error);
  EXPECT_THROW(sample(logits, Tensor::zeros(DType::u8, {1, 4}), {{}}), Error);
}

}  // namespace
}  // namespace artemis::test

#include "artemis/kernels/sampling.h"

#include <algorithm>

#include "artemis/kernels/logits.h"
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

// The same in probabilities, behind a repetition penalty for the tokens seen; not for infinite logits alone.
std::int32_t drawn(const Values& logits, const std::vector<bool>& seen, float penalty,
                   const RowSampling& how) {
  std::vector<std::pair<double, std::int32_t>> falling;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    auto x = static_cast<float>(logits[i]);
    if (seen[i]) x = x > 0 ? x / penalty : x * penalty;
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
  std::vector<std::int32_t> sample(const Tensor& logits, const std::vector<RowSampling>& rows) {
    const Tensor ids = Tensor::allocate(DType::i32, {static_cast<std::int64_t>(rows.size())});
    sample_rows(ctx_, ids, logits, rows);
    const auto values = ids.values<std::int32_t>();
    return {values.begin(), values.end()};
  }
  std::int32_t sample(const std::vector<float>& logits, const RowSampling& how) {
    return sample(Tensor::from<float>(logits, {1, std::ssize(logits)}), {how})[0];
  }

  Context ctx_{Device{}, 2};
  Random random_{11};
};

TEST_F(SamplingTest, DrawsAsTheReferenceDoes) {
  constexpr std::int64_t width = 301;
  const std::vector<RowSampling> rules = {{},
                                          {.temperature = 1.0f},
                                          {.temperature = 0.7f, .top_k = 40},
                                          {.temperature = 1.3f, .top_k = 1000, .top_p = 0.9f},
                                          {.temperature = 1.0f, .top_p = 0.5f},
                                          {.temperature = 1.0f, .min_p = 0.1f},
                                          {.temperature = 2.0f, .top_k = 100, .top_p = 0.95f, .min_p = 0.02f},
                                          {.temperature = 0.9f, .top_p = 0.8f}};
  const auto count = static_cast<std::int64_t>(rules.size());
  std::vector<bool> seen(width);
  for (std::size_t id = 0; id < seen.size(); ++id) seen[id] = random_.below(4) == 0;
  for (int round = 0; round < 60; ++round) {
    // Many ties, a few that are no number and some that cannot be.
    const Tensor logits = Tensor::allocate(DType::f32, {count, width});
    for (float& x : logits.mutable_values<float>()) {
      x = std::round(random_.normal() * 12.0f) / 4.0f;
      if (random_.below(50) == 0) x = random_.below(2) == 0 ? NAN : -INFINITY;
    }
    std::vector<RowSampling> rows = rules;
    std::vector<std::int32_t> expected;
    std::vector<LogitEdit> edits;
    for (std::int64_t i = 0; i < count; ++i) {
      RowSampling& how = rows[static_cast<std::size_t>(i)];
      how.uniform = random_.uniform_double();
      const float penalty = i % 3 == 0 ? 1.0f + random_.uniform() : 1.0f - 0.5f * random_.uniform();
      expected.push_back(drawn(values_of(ctx_, logits.rows(i, i + 1)), seen, penalty, how));
      for (std::int32_t id = 0; id < width; ++id) {
        if (seen[static_cast<std::size_t>(id)])
          edits.push_back({.row = static_cast<std::int32_t>(i), .id = id, .divide = penalty});
      }
    }
    edit_logits(ctx_, logits, edits);
    EXPECT_EQ(sample(logits, rows), expected) << round;
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
  sample(logits, {{.temperature = 0.5f}});
  EXPECT_EQ(values_of(ctx_, logits), (Values{4.0, -2.0, 6.0}));
}

TEST_F(SamplingTest, RefusesWhatItCannotDo) {
  const Tensor logits = Tensor::zeros(DType::f32, {1, 3});
  EXPECT_THROW(sample(logits, {RowSampling{.temperature = -1.0f}}), Error);
  EXPECT_THROW(sample(logits, {RowSampling{.uniform = 1.0}}), Error);
  EXPECT_THROW(sample(logits, {RowSampling{}, RowSampling{}}), Error);
}

}  // namespace
}  // namespace artemis::test

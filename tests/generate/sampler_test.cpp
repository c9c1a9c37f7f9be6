#include "artemis/generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "artemis/core/error.h"
#include "artemis/generate/stop_filter.h"

namespace artemis {
namespace {

// The next token, or -1; the logits are changed.
std::int32_t next(Sampler& sampler, std::vector<float>& logits) {
  Context ctx({}, 1);
  const Tensor id = Tensor::allocate(DType::i32, {1});
  const RowSampling row = sampler.draw();
  sample_rows(ctx, id, Tensor::wrap(logits.data(), DType::f32, {1, std::ssize(logits)}, {}, nullptr, false),
              std::span(&row, 1));
  sampler.advance();
  return id.data<std::int32_t>()[0];
}

std::map<std::int32_t, int> draw(const SamplingOptions& options, const std::vector<float>& logits,
                                 int count) {
  Sampler sampler(options);
  std::map<std::int32_t, int> seen;
  for (int i = 0; i < count; ++i) {
    std::vector<float> copy = logits;
    ++seen[next(sampler, copy)];
  }
  return seen;
}

TEST(Sampler, ChangesStandAndTheRestIsTheModels) {
  const SamplingOptions model{.temperature = 1,
                              .top_k = 2,
                              .top_p = 0.3f,
                              .min_p = 0.4f,
                              .repetition_penalty = 5,
                              .frequency_penalty = 6,
                              .presence_penalty = 7,
                              .seed = 8};
  const auto values = [](const SamplingOptions& o) {
    return std::vector<float>{o.temperature,
                              static_cast<float>(o.top_k),
                              o.top_p,
                              o.min_p,
                              o.repetition_penalty,
                              o.frequency_penalty,
                              o.presence_penalty,
                              static_cast<float>(o.seed)};
  };
  EXPECT_EQ(values(SamplingChanges{}.applied_to(model)), values(model));
  SamplingChanges changes;
  changes.temperature = changes.top_p = changes.min_p = 0.0f;
  changes.top_k = 0;
  changes.repetition_penalty = 11.0f;
  changes.frequency_penalty = 12.0f;
  changes.presence_penalty = 13.0f;
  EXPECT_EQ(values(changes.applied_to(model)), (std::vector<float>{0, 0, 0, 0, 11, 12, 13, 8}));
}

TEST(Sampler, GreedyTakesTheLargestAndTheLowerIdOfATie) {
  Sampler sampler(SamplingOptions{});
  std::vector<float> logits = {0.5f, 2.0f, 2.0f, -1.0f};
  EXPECT_EQ(next(sampler, logits), 1);
}

// Divided by next to nothing all would be infinite, and as likely as each other.
TEST(Sampler, NextToNoTemperatureIsNone) {
  for (const float temperature : {1e-40f, 1e-6f}) {
    Sampler sampler(SamplingOptions{.temperature = temperature, .seed = 3});
    EXPECT_TRUE(sampler.takes_likeliest());
    std::vector<float> logits = {30.0f, 31.0f, 2.0f};
    EXPECT_EQ(next(sampler, logits), 1);
  }
}

TEST(Sampler, NotANumberIsNeverChosen) {
  Sampler sampler(SamplingOptions{});
  std::vector<float> some = {NAN, -3.0f};
  EXPECT_EQ(next(sampler, some), 1);
  std::vector<float> all = {NAN, NAN};
  EXPECT_EQ(next(sampler, all), -1);
}

TEST(Sampler, TheSameSeedDrawsTheSame) {
  const std::vector<float> logits = {0.1f, 0.2f, 0.3f, 0.4f};
  EXPECT_EQ(draw({.temperature = 1.0f, .seed = 5}, logits, 50),
            draw({.temperature = 1.0f, .seed = 5}, logits, 50));
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  auto seen = draw({.temperature = 1.0f, .seed = 1}, logits, 20000);
  // Three standard deviations of a binomial count.
  EXPECT_NEAR(seen[0], 10000, 3 * std::sqrt(20000 * 0.25));
  EXPECT_NEAR(seen[1], 6000, 3 * std::sqrt(20000 * 0.21));
  EXPECT_NEAR(seen[2], 4000, 3 * std::sqrt(20000 * 0.16));
}

TEST(Sampler, TopKTopPAndMinPKeepTheLikeliest) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  EXPECT_EQ(draw({.temperature = 1.0f, .top_k = 2}, logits, 500).size(), 2u);
  EXPECT_EQ(draw({.temperature = 1.0f, .top_p = 0.6f}, logits, 500).size(), 2u);
  EXPECT_EQ(draw({.temperature = 1.0f, .top_p = 0.4f}, logits, 500).size(), 1u);
  EXPECT_EQ(draw({.temperature = 1.0f, .min_p = 0.25f}, logits, 500).size(), 3u);
}

TEST(Sampler, DrawsAheadWhatItWillDraw) {
  Sampler sampler({.temperature = 1.0f, .seed = 9});
  std::vector<double> ahead;
  for (int i = 0; i < 5; ++i) ahead.push_back(sampler.draw(i).uniform);
  for (const double expected : ahead) {
    EXPECT_EQ(sampler.draw().uniform, expected);
    sampler.advance();
  }
}

TEST(Sampler, RefusesValuesOutOfRange) {
  EXPECT_THROW(Sampler({.temperature = -1.0f}), UsageError);
  EXPECT_THROW(Sampler({.temperature = NAN}), UsageError);
  EXPECT_THROW(Sampler({.top_k = -1}), UsageError);
  EXPECT_THROW(Sampler({.top_p = 0.0f}), UsageError);
  EXPECT_THROW(Sampler({.top_p = 1.5f}), UsageError);
  EXPECT_THROW(Sampler({.min_p = 2.0f}), UsageError);
  EXPECT_THROW(Sampler({.repetition_penalty = 0.0f}), UsageError);
  EXPECT_THROW(Sampler({.frequency_penalty = NAN}), UsageError);
  EXPECT_THROW(Sampler({.presence_penalty = INFINITY}), UsageError);
}

TEST(StopFilter, EndsBeforeTheFirstStopStringAcrossPieces) {
  StopFilter filter({"END", "stop"});
  EXPECT_EQ(filter.push("hello E"), "hello ");
  EXPECT_EQ(filter.push("N"), "");
  EXPECT_EQ(filter.push("D and more"), "");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.flush(), "");
}

TEST(StopFilter, GivesBackWhatWasNoStopString) {
  StopFilter filter({"END"});
  EXPECT_EQ(filter.push("an EN"), "an ");
  EXPECT_EQ(filter.push("T"), "ENT");
  EXPECT_EQ(filter.push("E"), "");
  EXPECT_EQ(filter.flush(), "E");
  EXPECT_FALSE(filter.stopped());
}

}  // namespace
}  // namespace artemis

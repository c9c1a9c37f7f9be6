// Choosing the next token from its logits.
#pragma once

#include <optional>

#include "artemis/core/random.h"
#include "artemis/kernels/sampling.h"

namespace artemis {

struct SamplingOptions {
  float temperature = 0.0f;  // 0: greedy
  std::int64_t top_k = 0;    // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;  // logits of what was said are divided by it, or times it below zero
  float frequency_penalty = 0.0f;   // taken off a logit for each time that the answer has the token
  float presence_penalty = 0.0f;    // taken off where the answer has it
  std::uint64_t seed = 0;
};

// What one answer asks for; what is absent is as the model says.
struct SamplingChanges {
  std::optional<float> temperature, top_p, min_p;
  std::optional<std::int64_t> top_k;
  std::optional<float> repetition_penalty, frequency_penalty, presence_penalty;

  SamplingOptions applied_to(const SamplingOptions& defaults) const;
};

// Throws UsageError for a value outside its range (NaN included), naming it.
void check_sampling_options(const SamplingOptions& options);

// The numbers that draw the tokens of one conversation.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);

  // Whether a token is always that of the largest logit.
  bool takes_likeliest() const { return options_.temperature == 0.0f; }
  // How sample_rows() is to draw the token `ahead` places behind the next one, always the same.
  RowSampling draw(std::int64_t ahead = 0) const;
  // Goes on by one token.
  void advance();

 private:
  SamplingOptions options_;
  Random random_;
};

}  // namespace artemis

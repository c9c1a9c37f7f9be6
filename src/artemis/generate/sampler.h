// Choosing the next token from its logits.
#pragma once

#include <span>
#include <vector>

#include "artemis/core/random.h"

namespace artemis {

struct SamplingOptions {
  float temperature = 0.0f;  // 0: greedy
  std::int64_t top_k = 0;    // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;
  std::uint64_t seed = 0;
};

// Throws UsageError for a value outside its range (NaN included), naming it.
void check_sampling_options(const SamplingOptions& options);

// Keeps its scratch memory between tokens.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);

  // Whether next() gives the token of the largest logit, whatever the history.
  bool takes_likeliest() const { return options_.temperature == 0.0f && options_.repetition_penalty == 1.0f; }

  // The next token. logits (vocabulary) are changed; `history` holds the prompt and the tokens so far.
  // Filters run in transformers' order: repetition penalty, temperature, top-k, top-p, min-p. A tie goes to
  // the lower id. Throws Error when no logit is a number.
  std::int32_t next(std::span<float> logits, std::span<const std::int32_t> history);

 private:
  struct Candidate {
    float logit;
    std::int32_t id;
  };

  void penalise(std::span<float> logits, std::span<const std::int32_t> history);
  std::size_t filter(std::span<const float> logits);

  SamplingOptions options_;
  Random random_;
  std::vector<Candidate> candidates_;
  std::vector<double> probabilities_;
  std::vector<std::uint8_t> seen_;
};

}  // namespace artemis

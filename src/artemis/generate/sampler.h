// Choosing the next token from its logits.
#pragma once

#include "artemis/core/random.h"
#include "artemis/kernels/sampling.h"

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

// The numbers that draw the tokens of one conversation.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);

  // Whether the next token is always that of the largest logit, whatever the history.
  bool takes_likeliest() const { return options_.temperature == 0.0f && !needs_history(); }
  // Whether it depends on what came before.
  bool needs_history() const { return options_.repetition_penalty != 1.0f; }

  // How sample_rows() is to draw the next token; once for each token.
  RowSampling draw();

 private:
  SamplingOptions options_;
  Random random_;
};

}  // namespace artemis

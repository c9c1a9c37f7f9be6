// Drawing the next token from its logits.
#pragma once

#include <span>

#include "artemis/core/context.h"

namespace artemis {

// How one row is drawn; the defaults leave each filter out.
struct RowSampling {
  float temperature = 0.0f;  // 0: the largest logit
  std::int64_t top_k = 0;    // 0: all
  float top_p = 1.0f;        // in (0, 1]
  float min_p = 0.0f;        // in [0, 1]
  double uniform = 0.0;      // in [0, 1): which token it becomes
};

// ids[i] = a token of row i, or -1 when none of its logits is a number. Filters run in transformers' order,
// behind the penalties (logits.h): temperature, top-k, top-p, min-p. What is left lies in falling order, the
// lower id first of equal ones; the token is the first up to which more than `uniform` of the weight lies.
// NaN is passed over, and an infinite logit is as likely as its equals. Weights are whole numbers
// (sampling_weight.h), so that each back end draws the same. ids (n) i32, logits (n, vocab) f32, vocab at
// most 2^22; they are divided by the temperature.
void sample_rows(Context& ctx, const Tensor& ids, const Tensor& logits, std::span<const RowSampling> rows);

}  // namespace artemis

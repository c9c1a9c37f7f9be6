// Cross-entropy of a softmax over the vocabulary, for rows that are all supervised.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// loss (rows) f32 = lse(logits) - logits[label]; lse (rows) f32 is saved. logits (rows, vocabulary) f32 or
// bf16; labels (rows) i32 in [0, vocabulary).
void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels);

// d_logits = scale * (softmax(logits) - onehot(label)), overwritten; may be logits itself.
void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale);

}  // namespace artemis

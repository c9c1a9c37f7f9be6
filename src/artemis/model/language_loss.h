// The head and its cross-entropy over the supervised rows alone, in chunks, so that the logits of a whole
// batch are never in memory. Forward and backward are one pass, because the logits that both need are not
// kept.
#pragma once

#include "artemis/model/batch.h"
#include "artemis/model/decoder.h"

namespace artemis {

// Returns the weighted sum of -log p(label). hidden (supervised positions, hidden_size), in their order.
// When d_hidden (like hidden) is defined it is overwritten with `scale` times the gradient of that sum;
// d_lm_head (vocab, hidden_size) f32, if defined, accumulates the same.
double language_loss(Context& ctx, const Tensor& d_hidden, const Tensor& d_lm_head, const Tensor& hidden,
                     const Tensor& lm_head, const Supervision& supervision, float scale);

}  // namespace artemis

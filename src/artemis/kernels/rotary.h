// Rotary position embedding (Su et al. 2021), the half-split form of Hugging Face: within each head the pair
// (x[i], x[i + r/2]), i < r/2, is turned by the token's angle i; elements from r on stay as they are (partial
// rotary).
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// In place on x (tokens, heads * head_dim), f32 or bf16, row stride allowed. cos, sin (tokens, r/2) f32, r <=
// head_dim.
void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim);

// In place on d_x: the rotation back, which is the transposed map.
void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim);

}  // namespace artemis

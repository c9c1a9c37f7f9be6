// Rotary position embedding (Su et al. 2021), the half-split form of Hugging Face: within each head the pair
// (x[i], x[i + r/2]), i < r/2, is turned by the token's angle i; elements from r on stay as they are (partial
// rotary).
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// The angles' cosines and sines, each times `factor`: cos, sin (tokens, axes * n) f32 from positions (tokens,
// axes) i32 and frequencies (n) f32; pair i of a token turns by positions[token][i / n] * frequencies[i % n],
// a product in f32.
void rotary_angles(Context& ctx, const Tensor& cos, const Tensor& sin, const Tensor& positions,
                   const Tensor& frequencies, float factor);

// In place on x (tokens, heads * head_dim), f32 or bf16, row stride allowed. cos, sin (tokens, r/2) f32, r <=
// head_dim.
void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim);

// As rotary_forward on the queries and keys of a fused projection, and the new keys and values into a cache.
// qkv (tokens, q_width + 2 kv_width), queries, keys, values; k_cache, v_cache (rows, kv_width) of qkv's
// dtype; rows (tokens) i32, the distinct cache row of each token.
void rotary_to_cache(Context& ctx, const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                     const Tensor& rows, const Tensor& cos, const Tensor& sin, std::int64_t head_dim);

// In place on d_x: the rotation back, which is the transposed map.
void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim);

}  // namespace artemis

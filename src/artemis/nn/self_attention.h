// Self-attention between the projections: rotary positions on queries and keys, then attention, with or
// without cache.
#pragma once

#include "artemis/kernels/attention.h"
#include "artemis/nn/kv_cache.h"
#include "artemis/nn/rotary_table.h"

namespace artemis {

// A fused projection (tokens, (heads + 2 kv_heads) * head_dim): queries, then keys, then values, as column
// ranges.
struct QkvView {
  Tensor q;  // (tokens, heads * head_dim)
  Tensor k;  // (tokens, kv_heads * head_dim)
  Tensor v;  // (tokens, kv_heads * head_dim)
};

QkvView split_qkv(const Tensor& qkv, const AttentionOptions& options);

struct SelfAttentionSaved {
  Tensor qkv;  // the fused projection with q and k turned
  Tensor out;  // (tokens, heads * head_dim)
  Tensor lse;  // (tokens, heads) f32; undefined where no backward pass follows
};

// Turns the queries and keys of qkv, the fused projections, in place.
void turn_queries_and_keys(Context& ctx, const Tensor& qkv, const RotaryTable& rotary,
                           const AttentionOptions& options);

// From a qkv that is turned: saved.out and, where defined, saved.lse of those heads that share the key heads
// [begin, end).
void attend_heads(Context& ctx, const SelfAttentionSaved& saved, const Tensor& offsets,
                  const AttentionOptions& options, std::int64_t begin, std::int64_t end);

// Expects saved.qkv filled with the projections and the others allocated; turns q and k in place and fills
// out and, where defined, lse.
void self_attention_forward(Context& ctx, const SelfAttentionSaved& saved, const RotaryTable& rotary,
                            const Tensor& offsets, const AttentionOptions& options);

// d_qkv (shape of saved.qkv), overwritten, from d_out (shape of saved.out).
void self_attention_backward(Context& ctx, const Tensor& d_qkv, const Tensor& d_out,
                             const SelfAttentionSaved& saved, const RotaryTable& rotary,
                             const Tensor& offsets, const AttentionOptions& options);

// As self_attention_forward, for new tokens of sequences whose earlier keys and values are in the cache of
// `layer`; writes the new ones there. saved.lse is not used, saved.qkv afterwards turned or not.
void self_attention_cached(Context& ctx, const SelfAttentionSaved& saved, KvCache& cache, std::size_t layer,
                           const CacheStep& step, const RotaryTable& rotary, const Tensor& offsets,
                           const AttentionOptions& options);

}  // namespace artemis

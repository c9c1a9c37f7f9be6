// Scaled dot-product attention over ragged batches, tiled with a running softmax (Dao et al. 2022), so that
// no tokens x tokens matrix is ever in memory. Grouped-query: heads is a multiple of kv_heads.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

struct AttentionOptions {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 0;          // of q k^T
  bool causal = false;      // a token sees itself and what stands before it in its sequence
  std::int64_t window = 0;  // > 0 (causal only): a token sees at most this many, itself included
};

// Sequences lie one after the other: offsets (sequences + 1) i32, from 0 to tokens.
// q, out (tokens, heads * head_dim); k, v (tokens, kv_heads * head_dim), f32 or bf16, row strides allowed.
// Saves lse (tokens, heads) f32, the log of the softmax's denominator; may be undefined.
void attention_forward(Context& ctx, const Tensor& out, const Tensor& lse, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& offsets, const AttentionOptions& options);

// d_q, d_k, d_v overwritten (row strides allowed).
void attention_backward(Context& ctx, const Tensor& d_q, const Tensor& d_k, const Tensor& d_v,
                        const Tensor& d_out, const Tensor& out, const Tensor& lse, const Tensor& q,
                        const Tensor& k, const Tensor& v, const Tensor& offsets,
                        const AttentionOptions& options);

// Causal attention of new tokens over a paged cache that already holds their own keys and values.
// q, out (tokens, heads * head_dim), sequences by offsets (sequences + 1) i32 as above.
// k_cache, v_cache (pages * page_size, kv_heads * head_dim). page_table (sequences, max_pages) i32: position
// p of sequence s lies in row page_table[s][p / page_size] * page_size + p % page_size. lengths (sequences)
// i32: tokens in the cache, the new ones included; the new tokens are the last of them.
void cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& q, const Tensor& k_cache,
                              const Tensor& v_cache, const Tensor& page_table, const Tensor& lengths,
                              const Tensor& offsets, std::int64_t page_size, const AttentionOptions& options);

// rotary_to_cache() and then cached_attention_forward() of the queries so turned, in one. qkv (tokens, (heads
// + 2 kv_heads) * head_dim); afterwards its queries and keys may have turned or not. rows (tokens) i32,
// contiguous, is where page_table has the tokens; cos, sin as for rotary_forward().
void rotary_cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& qkv,
                                     const Tensor& k_cache, const Tensor& v_cache, const Tensor& rows,
                                     const Tensor& cos, const Tensor& sin, const Tensor& page_table,
                                     const Tensor& lengths, const Tensor& offsets, std::int64_t page_size,
                                     const AttentionOptions& options);

}  // namespace artemis

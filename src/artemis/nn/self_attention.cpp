#include "artemis/nn/self_attention.h"

#include "artemis/kernels/rotary.h"

namespace artemis {
namespace {

// Queries and keys side by side, which turn alike.
Tensor turning(const Tensor& qkv, const AttentionOptions& options) {
  return qkv.columns(0, (options.heads + options.kv_heads) * options.head_dim);
}

}  // namespace

QkvView split_qkv(const Tensor& qkv, const AttentionOptions& options) {
  const std::int64_t q_width = options.heads * options.head_dim;
  const std::int64_t kv_width = options.kv_heads * options.head_dim;
  return {qkv.columns(0, q_width), qkv.columns(q_width, q_width + kv_width),
          qkv.columns(q_width + kv_width, q_width + 2 * kv_width)};
}

void turn_queries_and_keys(Context& ctx, const Tensor& qkv, const RotaryTable& rotary,
                           const AttentionOptions& options) {
  rotary_forward(ctx, turning(qkv, options), rotary.cos, rotary.sin, options.head_dim);
}

void attend_heads(Context& ctx, const SelfAttentionSaved& saved, const Tensor& offsets,
                  const AttentionOptions& options, std::int64_t begin, std::int64_t end) {
  const auto [q, k, v] = split_qkv(saved.qkv, options);
  const std::int64_t width = options.head_dim;
  const std::int64_t group = options.heads / options.kv_heads;
  AttentionOptions some = options;
  some.heads = (end - begin) * group;
  some.kv_heads = end - begin;
  const auto queries = [&](const Tensor& tensor, std::int64_t each) {
    return tensor ? tensor.columns(begin * group * each, end * group * each) : Tensor();
  };
  attention_forward(ctx, queries(saved.out, width), queries(saved.lse, 1), queries(q, width),
                    k.columns(begin * width, end * width), v.columns(begin * width, end * width), offsets,
                    some);
}

void self_attention_forward(Context& ctx, const SelfAttentionSaved& saved, const RotaryTable& rotary,
                            const Tensor& offsets, const AttentionOptions& options) {
  turn_queries_and_keys(ctx, saved.qkv, rotary, options);
  attend_heads(ctx, saved, offsets, options, 0, options.kv_heads);
}

void self_attention_backward(Context& ctx, const Tensor& d_qkv, const Tensor& d_out,
                             const SelfAttentionSaved& saved, const RotaryTable& rotary,
                             const Tensor& offsets, const AttentionOptions& options) {
  const auto [q, k, v] = split_qkv(saved.qkv, options);
  const auto [d_q, d_k, d_v] = split_qkv(d_qkv, options);
  attention_backward(ctx, d_q, d_k, d_v, d_out, saved.out, saved.lse, q, k, v, offsets, options);
  rotary_backward(ctx, turning(d_qkv, options), rotary.cos, rotary.sin, options.head_dim);
}

void self_attention_cached(Context& ctx, const SelfAttentionSaved& saved, KvCache& cache, std::size_t layer,
                           const CacheStep& step, const RotaryTable& rotary, const Tensor& offsets,
                           const AttentionOptions& options) {
  rotary_cached_attention_forward(ctx, saved.out, saved.qkv, cache.keys[layer], cache.values[layer],
                                  step.rows, rotary.cos, rotary.sin, step.page_table, step.lengths, offsets,
                                  cache.page_size, options);
}

}  // namespace artemis

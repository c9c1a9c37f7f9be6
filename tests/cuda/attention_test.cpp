// Attention on the GPU against the CPU.
#include "both.h"
#include "kernels/attention_reference.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

class CudaAttention : public OnBoth {};
ARTEMIS_ON_BOTH(CudaAttention);

std::vector<AttentionCase> cases() {
  const auto options = [](std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, bool causal,
                          std::int64_t window) {
    return AttentionOptions{.heads = heads,
                            .kv_heads = kv_heads,
                            .head_dim = head_dim,
                            .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
                            .causal = causal,
                            .window = window};
  };
  return {{options(2, 2, 16, false, 0), {1, 33, 5}}, {options(4, 2, 32, true, 0), {70, 1, 128, 3}},
          {options(4, 1, 64, true, 0), {200, 65}},   {options(3, 3, 64, false, 0), {256, 100}},
          {options(2, 1, 80, true, 20), {150, 64}},  {options(4, 4, 24, true, 7), {40, 90}},
          {options(2, 2, 128, true, 0), {129}},      {options(6, 6, 20, false, 0), {64, 64, 64}},
          {options(2, 1, 13, true, 0), {31, 0, 17}}};
}

TEST_P(CudaAttention, Forward) {
  for (const AttentionCase& c : cases()) {
    SCOPED_TRACE(fmt::format("head_dim {}, causal {}", c.options.head_dim, c.options.causal));
    const AttentionInputs in = make_inputs(5, dtype(), c);
    expect_same({in.out, in.lse, in.q, in.k, in.v, in.offsets}, [&](Context& ctx, Tensors t) {
      attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], c.options);
    });
    expect_same({in.out, in.q, in.k, in.v, in.offsets}, [&](Context& ctx, Tensors t) {
      attention_forward(ctx, t[0], Tensor(), t[1], t[2], t[3], t[4], c.options);
    });
  }
}

TEST_P(CudaAttention, Backward) {
  for (const AttentionCase& c : cases()) {
    SCOPED_TRACE(fmt::format("head_dim {}, causal {}", c.options.head_dim, c.options.causal));
    const AttentionInputs in = make_inputs(6, dtype(), c);
    attention_forward(cpu_, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
    expect_same({in.d_q, in.d_k, in.d_v, in.d_out, in.out, in.lse, in.q, in.k, in.v, in.offsets},
                [&](Context& ctx, Tensors t) {
                  attention_backward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9],
                                     c.options);
                });
  }
}

TEST_P(CudaAttention, OverACache) {
  constexpr std::int64_t page_size = 16;
  for (const AttentionCase& c : cases()) {
    if (!c.options.causal) continue;
    for (const std::int64_t last : {1, 40}) {
      SCOPED_TRACE(fmt::format("head_dim {}, last {}", c.options.head_dim, last));
      const AttentionInputs in = make_inputs(7, dtype(), c);
      const CachedInputs cache = fill_cache(in, c, page_size, 20, last);
      const Tensor out = matrix(cache.q.dim(0), cache.q.dim(1));
      expect_same({out, cache.q, cache.k, cache.v, cache.page_table, cache.lengths, cache.offsets},
                  [&](Context& ctx, Tensors t) {
                    cached_attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], page_size,
                                             c.options);
                  });
    }
  }
}

}  // namespace
}  // namespace artemis::testing

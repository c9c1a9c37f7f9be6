// Attention on the GPU against the CPU.
#include <array>
#include <limits>

#include "both.h"
#include "kernels/attention_reference.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

AttentionOptions options(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, bool causal,
                         std::int64_t window) {
  return {.heads = heads,
          .kv_heads = kv_heads,
          .head_dim = head_dim,
          .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
          .causal = causal,
          .window = window};
}

std::vector<AttentionCase> small_cases() {
  return {{options(2, 2, 16, false, 0), {1, 33, 5}},
          {options(4, 2, 32, true, 0), {70, 1, 128, 3}},
          {options(4, 1, 64, true, 0), {200, 65}},
          {options(3, 3, 64, false, 0), {256, 100}},
          {options(2, 1, 80, true, 20), {150, 64}},
          {options(4, 4, 24, true, 7), {40, 90}},
          {options(4, 2, 64, true, std::numeric_limits<std::int32_t>::max()),
           {130, 64}},  // no limit, in some configs
          {options(2, 2, 72, false, 0), {66, 130}},
          {options(2, 2, 128, true, 0), {129}},
          {options(6, 6, 20, false, 0), {64, 64, 64}},
          {options(2, 1, 13, true, 0), {31, 0, 17}},
          {options(4, 2, 96, true, 70), {0, 190, 0, 64, 65}},
          {options(2, 1, 136, true, 0), {70, 33}},
          {options(2, 2, 192, false, 0), {65, 0, 17}},
          {options(4, 2, 256, true, 25), {90, 1}},
          {options(2, 1, 251, true, 0), {47}},
          // Enough sequences for large tiles of queries.
          {options(32, 2, 64, true, 0), std::vector<std::int32_t>(11, 6)},
          {options(32, 2, 96, true, 3), std::vector<std::int32_t>(11, 5)},
          {options(32, 2, 128, true, 0), std::vector<std::int32_t>(11, 6)}};
}

// Sizes of the decoder and the tower.
std::vector<AttentionCase> large_cases() {
  std::vector<std::int32_t> many(150, 9);  // sequences, which are searched for in two steps
  many[70] = 0;
  many[149] = 70;
  return {
      {options(32, 8, 128, true, 0), {480, 480}},      {options(16, 16, 72, false, 0), {1024, 256, 700, 33}},
      {options(16, 16, 72, false, 0), {1024}},         {options(32, 8, 64, true, 150), {500, 0, 530}},
      {options(16, 16, 64, true, 0), {480, 333, 700}}, {options(32, 4, 80, true, 0), {300, 700}},
      {options(32, 8, 128, true, 100), {333, 1, 600}}, {options(4, 2, 128, true, 0), many}};
}

// Gaps that keep 16-byte vectors whole, and gaps that do not.
constexpr RowGaps whole_vectors = {16, 8};
constexpr RowGaps odd = {6, 2};

class CudaAttention : public OnBoth {
 protected:
  void forward(const AttentionCase& c, const RowGaps& gaps) {
    SCOPED_TRACE(describe(c, gaps));
    const AttentionInputs in = make_inputs(5, dtype(), c, gaps);
    expect_same({in.out, in.lse, in.q, in.k, in.v, in.offsets}, [&](Context& ctx, Tensors t) {
      attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], c.options);
    });
  }

  void backward(const AttentionCase& c, const RowGaps& gaps) {
    SCOPED_TRACE(describe(c, gaps));
    const AttentionInputs in = make_inputs(6, dtype(), c, gaps);
    attention_forward(cpu_, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
    expect_same({in.d_q, in.d_k, in.d_v, in.d_out, in.out, in.lse, in.q, in.k, in.v, in.offsets},
                [&](Context& ctx, Tensors t) {
                  attention_backward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9],
                                     c.options);
                });
  }

  // The last `last` tokens of each sequence over a cache.
  void cached(const AttentionCase& c, std::int64_t page_size, std::int64_t last, std::int64_t gap) {
    SCOPED_TRACE(fmt::format("{}, page_size {}, last {}", describe(c, {gap, gap}), page_size, last));
    const AttentionInputs in = make_inputs(7, dtype(), c);
    const std::int64_t longest = *std::max_element(c.lengths.begin(), c.lengths.end());
    const CachedInputs cache = fill_cache(in, c, page_size, longest / page_size + 2, last, gap);
    const Tensor out = matrix(cache.q.dim(0), cache.q.dim(1), gap);
    expect_same({out, cache.q, cache.k, cache.v, cache.page_table, cache.lengths, cache.offsets},
                [&](Context& ctx, Tensors t) {
                  cached_attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], page_size,
                                           c.options);
                });
  }

  static std::string describe(const AttentionCase& c, const RowGaps& gaps) {
    return fmt::format("heads {} {}, head_dim {}, causal {}, window {}, {} sequences, gaps {} {}",
                       c.options.heads, c.options.kv_heads, c.options.head_dim, c.options.causal,
                       c.options.window, c.lengths.size(), gaps.queries, gaps.keys);
  }
};
ARTEMIS_ON_BOTH(CudaAttention);

TEST_P(CudaAttention, Forward) {
  for (const AttentionCase& c : small_cases()) {
    forward(c, odd);
    forward(c, whole_vectors);
  }
}

TEST_P(CudaAttention, ForwardWithoutLse) {
  for (const AttentionCase& c : small_cases()) {
    const AttentionInputs in = make_inputs(5, dtype(), c, whole_vectors);
    expect_same({in.out, in.q, in.k, in.v, in.offsets}, [&](Context& ctx, Tensors t) {
      attention_forward(ctx, t[0], Tensor(), t[1], t[2], t[3], t[4], c.options);
    });
  }
}

TEST_P(CudaAttention, ForwardOfTrueSize) {
  for (const AttentionCase& c : large_cases()) forward(c, whole_vectors);
}

TEST_P(CudaAttention, Backward) {
  for (const AttentionCase& c : small_cases()) backward(c, whole_vectors);
}

TEST_P(CudaAttention, BackwardWithOddGaps) {
  for (const AttentionCase& c : small_cases()) backward(c, odd);
}

TEST_P(CudaAttention, BackwardOfTrueSize) {
  for (const AttentionCase& c : large_cases()) backward(c, whole_vectors);
}

// The queries, keys and values and their gradients as columns of one matrix, whose other columns stay.
TEST_P(CudaAttention, ColumnsOfOneMatrix) {
  for (const std::int64_t head_dim : {24, 64, 96, 100, 128}) {
    SCOPED_TRACE(head_dim);
    const AttentionCase c = {options(4, 2, head_dim, true, 0), {130, 0, 77}};
    const AttentionInputs in = make_inputs(8, dtype(), c, whole_vectors);
    const std::int64_t width = 8 * head_dim;
    const auto parts = [&](const Tensor& fused) {
      const auto heads = [&](std::int64_t begin, std::int64_t end) {
        return fused.columns(begin * head_dim, end * head_dim);
      };
      return std::array{heads(0, 4), heads(4, 6), heads(6, 8)};
    };
    expect_same({matrix(c.tokens(), width + 8, 0), matrix(c.tokens(), width + 8, 0),
                 matrix(c.tokens(), 4 * head_dim, 8), in.lse, in.d_out, in.offsets},
                [&](Context& ctx, Tensors t) {
                  const auto [q, k, v] = parts(t[0]);
                  const auto [d_q, d_k, d_v] = parts(t[1]);
                  attention_forward(ctx, t[2], t[3], q, k, v, t[5], c.options);
                  attention_backward(ctx, d_q, d_k, d_v, t[4], t[2], t[3], q, k, v, t[5], c.options);
                });
  }
}

TEST_P(CudaAttention, OverACache) {
  for (const AttentionCase& c : small_cases()) {
    if (!c.options.causal) continue;
    for (const std::int64_t last : {1, 40}) {
      cached(c, 16, last, 4);
      cached(c, 24, last, 8);
    }
  }
}

// Prompts of the decoder, whole and behind what was there before.
TEST_P(CudaAttention, PrefillOverPages) {
  const std::int64_t heads = dtype() == DType::f32 ? 2 : 16;
  cached({options(32, 8, 128, true, 0), {300}}, 64, 300, 0);
  cached({options(heads, heads / 2, 128, true, 0), {2048}}, 64, 2048, 0);
  cached({options(32, 8, 128, true, 0), {700, 64, 257}}, 64, 300, 0);
  cached({options(8, 2, 128, true, 90), {700, 64, 257}}, 24, 100, 8);
}

TEST_P(CudaAttention, HasTheSameBitsAgain) {
  const AttentionCase c = {options(8, 2, 128, true, 0), {small_tests() ? 150 : 480, 33}};
  const AttentionInputs in = make_inputs(9, dtype(), c, whole_vectors);
  attention_forward(cpu_, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
  std::vector<Tensor> t;
  for (const Tensor& tensor :
       {in.d_q, in.d_k, in.d_v, in.d_out, in.out, in.lse, in.q, in.k, in.v, in.offsets}) {
    t.push_back(copy_with_gaps(tensor, gpu_->device()));
  }
  std::vector<Tensor> results;
  for (int run = 0; run < 3; ++run) {
    attention_forward(*gpu_, t[4], t[5], t[6], t[7], t[8], t[9], c.options);
    attention_backward(*gpu_, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], c.options);
    gpu_->synchronize();
    for (const std::size_t i : {0u, 1u, 2u, 4u, 5u}) {
      results.push_back(Tensor::allocate(t[i].dtype(), t[i].shape()));
      copy(results.back(), t[i]);
    }
  }
  for (std::size_t i = 5; i < results.size(); ++i) EXPECT_TRUE(same_bits(results[i], results[i % 5])) << i;
}

TEST_P(CudaAttention, RefusesLargerHeads) {
  const AttentionCase c = {options(1, 1, 264, true, 0), {3}};
  const AttentionInputs in = make_inputs(10, dtype(), c);
  std::vector<Tensor> t;
  for (const Tensor& tensor : {in.out, in.q, in.k, in.v, in.offsets}) {
    t.push_back(copy_with_gaps(tensor, gpu_->device()));
  }
  EXPECT_THROW(attention_forward(*gpu_, t[0], Tensor(), t[1], t[2], t[3], t[4], c.options), Error);
}

}  // namespace
}  // namespace artemis::testing

// Attention of a few new tokens over a paged cache, as decoding takes it, on the GPU against the CPU.
#include <numeric>

#include "artemis/kernels/attention.h"
#include "artemis/kernels/rows.h"
#include "both.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

struct DecodeCase {
  std::int64_t heads, kv_heads, head_dim, window, page_size;
  std::vector<std::int32_t> lengths;     // of the sequences, the new tokens included
  std::vector<std::int32_t> new_tokens;  // of each
  std::int64_t spare_pages = 0;          // of the page table, behind the longest sequence
};

class CudaDecode : public OnBoth {
 protected:
  // out, q, k_cache, v_cache, page_table, lengths, offsets; pages in a random order, `gap` elements between
  // rows.
  std::vector<Tensor> inputs(const DecodeCase& c, std::int64_t gap) {
    const auto sequences = static_cast<std::int64_t>(c.lengths.size());
    const std::int64_t longest = *std::max_element(c.lengths.begin(), c.lengths.end());
    const std::int64_t width = (longest + c.page_size - 1) / c.page_size + c.spare_pages;
    std::vector<std::int32_t> pages(static_cast<std::size_t>(sequences * width));
    std::iota(pages.begin(), pages.end(), 0);
    for (std::size_t i = pages.size(); i > 1; --i) std::swap(pages[i - 1], pages[random_.below(i)]);
    std::vector<std::int32_t> offsets = {0};
    for (const std::int32_t count : c.new_tokens) offsets.push_back(offsets.back() + count);
    const std::int64_t rows = sequences * width * c.page_size;
    const std::int64_t columns = c.heads * c.head_dim;
    return {matrix(offsets.back(), columns, gap),
            matrix(offsets.back(), columns, gap),
            matrix(rows, c.kv_heads * c.head_dim, gap),
            matrix(rows, c.kv_heads * c.head_dim, gap),
            Tensor::from<std::int32_t>(pages, {sequences, width}),
            Tensor::from<std::int32_t>(c.lengths, {sequences}),
            Tensor::from<std::int32_t>(offsets, {sequences + 1})};
  }

  // The same with qkv for q, and rows, cos, sin.
  std::vector<Tensor> turning_inputs(const DecodeCase& c, std::int64_t pairs, std::int64_t gap) {
    std::vector<Tensor> tensors = inputs(c, gap);
    const std::int64_t tokens = tensors[0].dim(0);
    std::vector<std::int32_t> rows;
    for (std::size_t s = 0; s < c.lengths.size(); ++s) {
      const auto pages = tensors[4].rows(static_cast<std::int64_t>(s), static_cast<std::int64_t>(s) + 1);
      for (std::int64_t p = c.lengths[s] - c.new_tokens[s]; p < c.lengths[s]; ++p) {
        const std::int64_t page = pages.data<std::int32_t>()[p / c.page_size];
        rows.push_back(static_cast<std::int32_t>(page * c.page_size + p % c.page_size));
      }
    }
    tensors[1] = matrix(tokens, (c.heads + 2 * c.kv_heads) * c.head_dim, gap);
    tensors.push_back(Tensor::from<std::int32_t>(rows, {tokens}));
    tensors.push_back(floats(tokens, pairs, gap));
    tensors.push_back(floats(tokens, pairs, gap));
    return tensors;
  }

  static AttentionOptions options(const DecodeCase& c) {
    return {.heads = c.heads,
            .kv_heads = c.kv_heads,
            .head_dim = c.head_dim,
            .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
            .causal = true,
            .window = c.window};
  }

  static Call attention(const DecodeCase& c) {
    return [options = options(c), page_size = c.page_size](Context& ctx, Tensors t) {
      cached_attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], page_size, options);
    };
  }

  // qkv, which may have turned or not, becomes zero.
  static Call turning_attention(const DecodeCase& c) {
    return [options = options(c), page_size = c.page_size](Context& ctx, Tensors t) {
      rotary_cached_attention_forward(ctx, t[0], t[1], t[2], t[3], t[7], t[8], t[9], t[4], t[5], t[6],
                                      page_size, options);
      fill(ctx, t[1], 0);
    };
  }

  // The call again and again by the same context, from the same q and qkv.
  void expect_same_bits(const std::vector<Tensor>& here, const Call& call) {
    std::vector<Tensor> there, results;
    for (const Tensor& tensor : here) there.push_back(tensor.to(gpu_->device()));
    for (int run = 0; run < 3; ++run) {
      copy(there[1], here[1]);
      fill(*gpu_, there[0], 0);
      call(*gpu_, there);
      gpu_->synchronize();
      results.push_back(there[0].to(Device{}));
      EXPECT_TRUE(same_bits(results.front(), results.back())) << "run " << run;
    }
    call(cpu_, here);
    EXPECT_LE(difference(results.back(), here[0]), dtype() == DType::f32 ? 1e-4 : 2e-2);
  }
};
ARTEMIS_ON_BOTH(CudaDecode);

TEST_P(CudaDecode, OneTokenOfOneSequence) {
  for (const std::int32_t length : {1, 2, 15, 16, 17, 63, 64, 65, 300, 1029}) {
    for (const std::int64_t head_dim : {64, 128}) {
      for (const std::int64_t kv_heads : {1, 4}) {
        for (const std::int64_t window : {0, 1, 50}) {
          SCOPED_TRACE(fmt::format("length {}, head_dim {}, kv_heads {}, window {}", length, head_dim,
                                   kv_heads, window));
          const DecodeCase c = {4, kv_heads, head_dim, window, 16, {length}, {1}, 40};
          expect_same(inputs(c, 0), attention(c));
        }
      }
    }
  }
}

// Sequences with one, several, more than sixteen and no new tokens; gaps that keep 16-byte vectors whole, and
// gaps that do not.
TEST_P(CudaDecode, SeveralSequences) {
  const std::vector<std::int32_t> lengths = {1, 70, 300, 21, 64, 5, 130, 190};
  const std::vector<std::int32_t> new_tokens = {1, 2, 1, 18, 0, 5, 3, 1};
  for (const auto& [heads, kv_heads] :
       {std::pair{4, 4}, std::pair{8, 2}, std::pair{6, 2}, std::pair{20, 1}}) {
    for (const std::int64_t head_dim : {64, 128}) {
      for (const std::int64_t window : {0, 33}) {
        for (const std::int64_t gap : {16, 6}) {
          SCOPED_TRACE(fmt::format("heads {} {}, head_dim {}, window {}, gap {}", heads, kv_heads, head_dim,
                                   window, gap));
          const DecodeCase c = {heads, kv_heads, head_dim, window, 24, lengths, new_tokens};
          expect_same(inputs(c, gap), attention(c));
        }
      }
    }
  }
}

// Heads that only the plain kernel serves.
TEST_P(CudaDecode, AnyHeadSize) {
  for (const std::int64_t head_dim : {8, 40, 72, 96, 136, 192, 256}) {
    SCOPED_TRACE(head_dim);
    const DecodeCase c = {4, 2, head_dim, 0, 16, {90, 3, 1}, {1, 2, 1}};
    expect_same(inputs(c, 0), attention(c));
  }
}

// The heads of A3.
TEST_P(CudaDecode, TrueSize) {
  const std::vector<DecodeCase> cases = {{32, 8, 128, 0, 64, {63}, {1}, 64},
                                         {32, 8, 128, 0, 64, {300}, {1}, 64},
                                         {32, 8, 128, 0, 64, {4097}, {1}, 8},
                                         {32, 8, 128, 0, 64, {700, 64, 257, 1}, {1, 1, 2, 1}, 4}};
  for (const DecodeCase& c : cases) {
    SCOPED_TRACE(c.lengths.front());
    expect_same(inputs(c, 0), attention(c));
  }
}

// Again and again by the same context: one split and many, splits without keys, more tokens than a block
// takes at once, of which some see nothing of a split that others see. Each call must find the counters as
// the first did.
TEST_P(CudaDecode, HasTheSameBitsAgain) {
  std::vector<DecodeCase> cases = {
      {32, 8, 128, 0, 64, {2000, 77}, {1, 2}, 10},
      {32, 8, 128, 0, 64, {900}, {1}, 10},
      {32, 8, 128, 0, 64, {40}, {1}, 10},
      {8, 2, 64, 50, 16, {300, 1, 64, 65, 129}, {2, 1, 11, 1, 0}, 20},
      {4, 4, 128, 0, 16, std::vector<std::int32_t>(40, 130), std::vector<std::int32_t>(40, 1)}};
  DecodeCase& spread = cases.emplace_back(DecodeCase{8, 2, 64, 50, 16, {130}, {40}});
  spread.lengths.resize(13, 1);
  spread.new_tokens.resize(13, 1);
  for (const DecodeCase& c : cases) {
    SCOPED_TRACE(c.lengths.front());
    expect_same_bits(inputs(c, 0), attention(c));
    expect_same_bits(turning_inputs(c, c.head_dim / 2, 0), turning_attention(c));
  }
}

// The new token first, last and alone in a tile, in a warp's keys and in a page; of the heads all turn, or a
// part that the fused kernel does not serve.
TEST_P(CudaDecode, OneTokenThatTurns) {
  for (const std::int32_t length : {1, 2, 16, 17, 63, 64, 65, 300, 1029}) {
    for (const std::int64_t head_dim : {64, 128}) {
      for (const std::int64_t window : {0, 1, 50}) {
        for (const std::int64_t pairs : {head_dim / 2, head_dim / 4}) {
          SCOPED_TRACE(
              fmt::format("length {}, head_dim {}, window {}, pairs {}", length, head_dim, window, pairs));
          const DecodeCase c = {8, 2, head_dim, window, 16, {length}, {1}, 40};
          expect_same(turning_inputs(c, pairs, 0), turning_attention(c));
        }
      }
    }
  }
}

TEST_P(CudaDecode, SeveralSequencesThatTurn) {
  const std::vector<std::int32_t> lengths = {1, 70, 300, 21, 64, 5, 130, 190};
  const std::vector<std::int32_t> new_tokens = {1, 2, 1, 18, 0, 5, 3, 1};
  for (const auto& [heads, kv_heads] : {std::pair{4, 4}, std::pair{6, 2}, std::pair{20, 1}}) {
    for (const std::int64_t head_dim : {40, 64, 128}) {
      for (const std::int64_t window : {0, 33, 2}) {
        for (const std::int64_t gap : {16, 6}) {
          SCOPED_TRACE(fmt::format("heads {} {}, head_dim {}, window {}, gap {}", heads, kv_heads, head_dim,
                                   window, gap));
          const DecodeCase c = {heads, kv_heads, head_dim, window, 24, lengths, new_tokens};
          expect_same(turning_inputs(c, head_dim / 2, gap), turning_attention(c));
        }
      }
    }
  }
}

// The heads of A3, and a pass of so many tokens that it is none of decoding.
TEST_P(CudaDecode, TrueSizeThatTurns) {
  const std::vector<DecodeCase> cases = {{32, 8, 128, 0, 64, {300}, {1}, 64},
                                         {32, 8, 128, 0, 64, {2049}, {1}, 8},
                                         {32, 8, 128, 0, 64, {700, 64, 257, 1}, {1, 1, 2, 1}, 4},
                                         {32, 8, 128, 0, 64, {90}, {20}}};
  for (const DecodeCase& c : cases) {
    SCOPED_TRACE(c.lengths.front());
    expect_same(turning_inputs(c, 64, 0), turning_attention(c));
  }
}

// More key heads of sequences than the session has counters, so that each has a block to itself.
TEST_P(CudaDecode, ManySequences) {
  const std::int64_t sequences = 4100;
  const DecodeCase c = {
      1, 1, 64, 0, 16, std::vector<std::int32_t>(sequences, 2), std::vector<std::int32_t>(sequences, 1)};
  expect_same(inputs(c, 0), attention(c));
}

}  // namespace
}  // namespace artemis::testing

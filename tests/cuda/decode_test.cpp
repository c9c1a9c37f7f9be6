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

  static Call attention(const DecodeCase& c) {
    const AttentionOptions options = {.heads = c.heads,
                                      .kv_heads = c.kv_heads,
                                      .head_dim = c.head_dim,
                                      .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                                      .causal = true,
                                      .window = c.window};
    return [options, page_size = c.page_size](Context& ctx, Tensors t) {
      cached_attention_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], t[6], page_size, options);
    };
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

// Again and again by the same context: one split and many, whole splits without keys and more tokens than a
// block takes at once. Each call must find the counters as the first did.
TEST_P(CudaDecode, HasTheSameBitsAgain) {
  const std::vector<DecodeCase> cases = {
      {32, 8, 128, 0, 64, {2000, 77}, {1, 2}, 10},
      {32, 8, 128, 0, 64, {900}, {1}, 10},
      {32, 8, 128, 0, 64, {40}, {1}, 10},
      {8, 2, 64, 50, 16, {300, 1, 64, 65, 129}, {2, 1, 11, 1, 0}, 20},
      {4, 4, 128, 0, 16, std::vector<std::int32_t>(40, 130), std::vector<std::int32_t>(40, 1)}};
  for (const DecodeCase& c : cases) {
    SCOPED_TRACE(c.lengths.front());
    const std::vector<Tensor> here = inputs(c, 0);
    std::vector<Tensor> there;
    for (const Tensor& tensor : here) there.push_back(tensor.to(gpu_->device()));
    attention(c)(cpu_, here);
    std::vector<Tensor> results;
    for (int run = 0; run < 3; ++run) {
      fill(*gpu_, there[0], 0);
      attention(c)(*gpu_, there);
      gpu_->synchronize();
      results.push_back(there[0].to(Device{}));
      EXPECT_TRUE(same_bits(results.front(), results.back())) << "run " << run;
    }
    EXPECT_LE(difference(results.back(), here[0]), dtype() == DType::f32 ? 1e-4 : 2e-2);
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

// Context::batch_invariant() at the sizes of the true model: each number of rows gives a row the same bits.
#include "artemis/kernels/attention.h"
#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/linear.h"
#include "both.h"

namespace artemis::testing {
namespace {

class CudaBatchInvariance : public ::testing::Test {
 protected:
  void SetUp() override {
    ARTEMIS_NEED_GPU(gpu_);
    if (small_tests()) GTEST_SKIP() << "too large for ARTEMIS_SMALL_TESTS";
    gpu_->set_batch_invariant(true);
  }

  Tensor normal(std::int64_t rows, std::int64_t cols, float deviation) {
    const Tensor values = Tensor::allocate(DType::bf16, {rows, cols}, gpu_->device());
    fill_normal(*gpu_, values, deviation, ++seed_, 0);
    return values;
  }

  std::unique_ptr<Context> gpu_;
  std::uint64_t seed_ = 0;
};

constexpr std::int64_t hidden = 5120;
constexpr std::int64_t intermediate = 14336;

TEST_F(CudaBatchInvariance, Products) {
  struct Case {
    std::int64_t n, k;
    DType out;
  };
  constexpr std::int64_t most_rows = 2048;
  for (const auto& [n, k, out_dtype] :
       {Case{6144, hidden, DType::bf16}, Case{hidden, 4096, DType::bf16},
        Case{2 * intermediate, hidden, DType::bf16}, Case{hidden, intermediate, DType::bf16},
        Case{3072, 1024, DType::bf16}, Case{4096, 1024, DType::bf16}, Case{32768, hidden, DType::f32}}) {
    const Tensor x = normal(most_rows, k, 1.0f);
    const Tensor weight = normal(n, k, 0.02f);
    const Tensor residual = normal(most_rows, n, 1.0f);
    const auto results = [&](std::int64_t first, std::int64_t rows) {
      const Tensor out = Tensor::allocate(out_dtype, {rows, n}, gpu_->device());
      LinearEpilogue epilogue;
      if (out_dtype == DType::bf16) epilogue.residual = residual.rows(first, first + rows);
      linear_forward(*gpu_, out, x.rows(first, first + rows), weight, Tensor(), epilogue);
      gpu_->synchronize();
      return out.to(Device{});
    };
    const Tensor all = results(0, most_rows);
    for (const std::int64_t rows : {1, 2, 7, 8, 9, 31, 32, 64, 65, 200, 333, 512}) {
      for (const std::int64_t first : {std::int64_t{0}, std::int64_t{701}, most_rows - rows}) {
        EXPECT_TRUE(same_bits(results(first, rows), all.rows(first, first + rows)))
            << n << " x " << k << ": " << rows << " rows from " << first << " on";
      }
    }
  }
}

// A step of decoding and chunks of a long prompt beside the whole.
TEST_F(CudaBatchInvariance, LongPrompts) {
  constexpr std::int64_t page = 64, tokens = 3000, pages = (tokens + page - 1) / page;
  const AttentionOptions options = {
      .heads = 32, .kv_heads = 8, .head_dim = 128, .scale = 0.0883883f, .causal = true};
  const Tensor q = normal(tokens, 32 * 128, 1.0f);
  const Tensor k = normal(pages * page, 8 * 128, 1.0f), v = normal(pages * page, 8 * 128, 1.0f);
  std::vector<std::int32_t> table(pages);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int32_t>(table.size() - 1 - i);
  const auto attend = [&](std::int32_t begin, std::int32_t end) {
    const Arena::Scope scope(gpu_->arena());
    const Tensor out = Tensor::allocate(DType::bf16, {end - begin, q.dim(1)}, gpu_->device());
    const std::int32_t offsets[] = {0, end - begin};
    cached_attention_forward(
        *gpu_, out, q.rows(begin, end), k, v, gpu_->upload(DType::i32, {1, pages}, table.data()),
        gpu_->upload(DType::i32, {1}, &end), gpu_->upload(DType::i32, {2}, offsets), page, options);
    gpu_->synchronize();
    return out.to(Device{});
  };
  const Tensor all = attend(0, tokens);
  for (const auto& [begin, end] : {std::pair{0, 1},
                                   {63, 64},
                                   {64, 65},
                                   {1000, 1001},
                                   {2999, 3000},
                                   {0, 512},
                                   {512, 1024},
                                   {1024, 1777},
                                   {1777, 1790},
                                   {1790, 3000}}) {
    EXPECT_TRUE(same_bits(attend(begin, end), all.rows(begin, end))) << begin << " to " << end;
  }
}

}  // namespace
}  // namespace artemis::testing

// Changed logits on the GPU: the very bits of the CPU.
#include "artemis/kernels/logits.h"

#include "both.h"

namespace artemis::testing {
namespace {

class CudaLogits : public ::testing::Test {
 protected:
  void SetUp() override { ARTEMIS_NEED_GPU(gpu_); }

  template <typename Change>
  void expect_same(const Tensor& logits, const Change& change) {
    const Tensor here = copy_with_gaps(logits, Device{});
    const Tensor there = copy_with_gaps(logits, gpu_->device());
    change(cpu_, here);
    change(*gpu_, there);
    gpu_->synchronize();
    EXPECT_TRUE(same_bits(there.to(Device{}), here));
  }

  Context cpu_{Device{}, 2};
  std::unique_ptr<Context> gpu_;
  Random random_{23};
};

TEST_F(CudaLogits, Edits) {
  for (const std::int64_t width : {1, 257, 131072}) {
    std::vector<LogitEdit> edits;
    for (std::int32_t row = 0; row < 5; ++row) {
      for (std::int32_t id = row; id < width; id += 11) {
        const bool forbidden = random_.below(9) == 0;
        edits.push_back({.row = row,
                         .id = id,
                         .divide = 1.0f + random_.uniform(),
                         .add = forbidden ? -INFINITY : random_.normal()});
      }
    }
    const Tensor logits = random_matrix(random_, DType::f32, 5, width, 3, 4.0f);
    expect_same(logits, [&](Context& ctx, const Tensor& own) { edit_logits(ctx, own, edits); });
    expect_same(logits, [&](Context& ctx, const Tensor& own) { edit_logits(ctx, own, {}); });
  }
}

TEST_F(CudaLogits, Masks) {
  for (const std::int64_t width : {1, 33, 256, 50257}) {
    const std::vector<std::int32_t> rows = {4, 0, 3};
    std::vector<std::uint32_t> masks(static_cast<std::size_t>(3 * ((width + 31) / 32)));
    for (std::uint32_t& word : masks)
      word = static_cast<std::uint32_t>(random_.below(std::uint64_t{1} << 32));
    expect_same(random_matrix(random_, DType::f32, 5, width, 1),
                [&](Context& ctx, const Tensor& own) { mask_logits(ctx, own, masks, rows); });
  }
}

}  // namespace
}  // namespace artemis::testing

// Sampling on the GPU: the very tokens of the CPU, at true widths and in the odd cases.
#include "artemis/kernels/sampling.h"

#include "both.h"

namespace artemis::testing {
namespace {

// Equal, or NaN in the same places.
bool same_numbers(const Tensor& a, const Tensor& b) {
  for (std::int64_t i = 0; i < a.count(); ++i) {
    const double x = value_at(a, i / a.dim(1), i % a.dim(1));
    const double y = value_at(b, i / b.dim(1), i % b.dim(1));
    if (x != y && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return true;
}

class CudaSampling : public ::testing::Test {
 protected:
  // Of many tiles.
  const std::int64_t wide = small_tests() ? 9000 : 131072;
  const std::int64_t middling = small_tests() ? 4100 : 50257;

  void SetUp() override { ARTEMIS_NEED_GPU(gpu_); }

  Tensor logits(std::int64_t rows, std::int64_t cols, std::int64_t gap, float deviation) {
    return random_matrix(random_, DType::f32, rows, cols, gap, deviation);
  }

  template <typename Change>
  static void change(const Tensor& matrix, const Change& element) {
    for (std::int64_t i = 0; i < matrix.dim(0); ++i) {
      for (std::int64_t k = 0; k < matrix.dim(1); ++k) {
        float& x = matrix.mutable_data<float>()[i * matrix.row_stride() + k];
        x = element(x, k);
      }
    }
  }

  // Every rule for each row, several times over.
  std::vector<RowSampling> rules(std::int64_t rows) {
    const std::vector<RowSampling> all = {
        {.temperature = 1.0f},
        {.temperature = 0.8f, .top_k = 50},
        {.temperature = 0.8f, .top_k = 50, .top_p = 0.9f},
        {.temperature = 1.0f, .top_p = 0.95f},
        {.temperature = 1.5f, .min_p = 0.05f},
        {.temperature = 1.0f, .top_k = 1000000, .top_p = 1e-6f},
        {},
        {.temperature = 0.6f, .top_k = 2000, .top_p = 0.99f, .min_p = 0.001f}};
    std::vector<RowSampling> rows_of_all;
    for (std::int64_t i = 0; i < rows; ++i) {
      RowSampling how = all[random_.below(all.size())];
      how.uniform = random_.uniform_double();
      rows_of_all.push_back(how);
    }
    return rows_of_all;
  }

  void expect_same(const Tensor& logits, const std::vector<RowSampling>& rows) {
    const Tensor ids = Tensor::zeros(DType::i32, {logits.dim(0)});
    const Tensor ids_there = Tensor::zeros(DType::i32, {logits.dim(0)}, gpu_->device());
    const Tensor there = copy_with_gaps(logits, gpu_->device());
    const Tensor here = copy_with_gaps(logits, Device{});
    sample_rows(*gpu_, ids_there, there, rows);
    sample_rows(cpu_, ids, here, rows);
    gpu_->synchronize();
    EXPECT_TRUE(same_bits(ids_there.to(Device{}), ids));
    EXPECT_TRUE(same_numbers(there.to(Device{}), here));
  }

  // Rows of one kind under all rules; a call with one row under each, so that fewer searches run.
  void expect_same(const Tensor& logits) {
    for (int round = 0; round < 3; ++round) expect_same(logits, rules(logits.dim(0)));
    for (int round = 0; round < 6; ++round) expect_same(logits.rows(0, 1), rules(1));
  }

  Context cpu_{Device{}, 2};
  std::unique_ptr<Context> gpu_;
  Random random_{5};
};

TEST_F(CudaSampling, AtEveryWidth) {
  expect_same(logits(small_tests() ? 2 : 32, wide, 0, 3.0f));
  expect_same(logits(5, middling, 3, 2.0f));
  expect_same(logits(7, 2048, 1, 1.0f));
  expect_same(logits(3, 2049, 0, 8.0f));
  expect_same(logits(4, 31, 2, 1.0f));
  expect_same(logits(2, 1, 4, 1.0f));
}

TEST_F(CudaSampling, Ties) {
  const Tensor few = logits(9, middling, 0, 2.0f);
  change(few, [](float x, std::int64_t) { return std::round(x); });
  expect_same(few);
  const Tensor same = logits(9, wide, 0, 1.0f);
  change(same, [](float, std::int64_t) { return -2.5f; });
  expect_same(same);
  const Tensor zeros = logits(9, 5000, 0, 1.0f);
  change(zeros, [](float, std::int64_t k) { return k % 3 == 0 ? -0.0f : 0.0f; });
  expect_same(zeros);
}

// Where the bits of the logits differ little, and where most have no weight.
TEST_F(CudaSampling, NarrowAndWideRows) {
  expect_same(logits(9, wide, 0, 1e-4f));
  expect_same(logits(9, wide, 0, 300.0f));
}

TEST_F(CudaSampling, NotNumbersAndInfinities) {
  const Tensor odd = logits(9, middling, 1, 3.0f);
  change(odd, [](float x, std::int64_t k) { return k % 7 == 0 ? NAN : (k % 5 == 0 ? -INFINITY : x); });
  expect_same(odd);
  change(odd, [](float x, std::int64_t k) { return k % 1000 == 0 ? INFINITY : x; });
  expect_same(odd);
  change(odd, [](float, std::int64_t k) { return k % 2 == 0 ? NAN : -INFINITY; });
  expect_same(odd);
}

TEST_F(CudaSampling, MinusOneWhereNothingIsANumber) {
  const Tensor none = logits(3, 50257, 0, 1.0f);
  change(none.rows(1, 2), [](float, std::int64_t) { return NAN; });
  const Tensor ids = Tensor::zeros(DType::i32, {3}, gpu_->device());
  const std::vector<RowSampling> rows(3, {.temperature = 1.0f, .uniform = 0.5});
  sample_rows(*gpu_, ids, none.to(gpu_->device()), rows);
  gpu_->synchronize();
  const Tensor here = ids.to(Device{});
  EXPECT_GE(here.data<std::int32_t>()[0], 0);
  EXPECT_EQ(here.data<std::int32_t>()[1], -1);
  EXPECT_GE(here.data<std::int32_t>()[2], 0);
}

}  // namespace
}  // namespace artemis::testing

// The same call on the CPU and on the GPU, with the same arguments.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "artemis/core/context.h"
#include "kernels/random_tensor.h"
#include "support/device.h"

namespace artemis::testing {

// Null, with the reason, where there is no GPU.
inline std::unique_ptr<Context> gpu_context(std::string& reason) {
  try {
    return std::make_unique<Context>(Device{DeviceKind::cuda, 0}, 1);
  } catch (const Error& error) {
    reason = error.what();
    return nullptr;
  }
}

// Skips without a GPU, unless ARTEMIS_TEST_DEVICE asks for one.
#define ARTEMIS_NEED_GPU(context)                                                                  \
  std::string reason;                                                                              \
  (context) = ::artemis::testing::gpu_context(reason);                                             \
  if ((context) == nullptr && ::artemis::test_device().kind == DeviceKind::cuda) FAIL() << reason; \
  if ((context) == nullptr) GTEST_SKIP() << reason

// The largest difference over the largest magnitude; integers must be equal.
inline double difference(const Tensor& actual, const Tensor& expected) {
  if (!is_floating(expected.dtype())) return same_bits(actual, expected) ? 0 : INFINITY;
  std::vector<double> values;
  const std::int64_t cols = expected.row_size();
  for (std::int64_t i = 0; i < expected.count(); ++i)
    values.push_back(value_at(expected, i / cols, i % cols));
  return relative_error(actual, values);
}

// A copy on the device with the same gaps between rows.
inline Tensor copy_with_gaps(const Tensor& tensor, Device device) {
  if (!tensor || tensor.contiguous()) {
    if (!tensor || device.kind == DeviceKind::cuda) return tensor.to(device);
  }
  if (tensor.shape().rank() != 2) {
    const Tensor whole = Tensor::allocate(tensor.dtype(), tensor.shape(), device);
    copy(whole, tensor);
    return whole;
  }
  const std::int64_t stride = std::max(tensor.row_stride(), tensor.dim(1));
  const Tensor whole = Tensor::zeros(tensor.dtype(), {tensor.dim(0), stride}, device);
  const Tensor view = whole.columns(0, tensor.dim(1));
  copy(view, tensor);
  return view;
}

class OnBoth : public ::testing::TestWithParam<DType> {
 protected:
  using Call = std::function<void(Context&, std::span<const Tensor>)>;

  void SetUp() override { ARTEMIS_NEED_GPU(gpu_); }
  void TearDown() override {
    if (tried_ == 0 && left_out_ > 0) GTEST_SKIP() << "all cases are too large for ARTEMIS_SMALL_TESTS";
  }

  DType dtype() const { return GetParam(); }
  Tensor matrix(std::int64_t rows, std::int64_t cols, std::int64_t gap = 5) {
    return random_matrix(random_, dtype(), rows, cols, gap);
  }
  Tensor floats(std::int64_t rows, std::int64_t cols, std::int64_t gap = 3) {
    return random_matrix(random_, DType::f32, rows, cols, gap);
  }
  Tensor vector(std::int64_t size) { return random_vector(random_, dtype(), size); }
  Tensor float_vector(std::int64_t size) { return random_vector(random_, DType::f32, size); }
  // (rows, cols) i32 in [0, bound).
  Tensor indices(std::int64_t rows, std::int64_t cols, std::uint64_t bound) {
    const Tensor tensor = Tensor::allocate(DType::i32, {rows, cols});
    for (std::int32_t& value : tensor.mutable_values<std::int32_t>())
      value = static_cast<std::int32_t>(random_.below(bound));
    return tensor;
  }

  // Calls with copies of the tensors on either device; afterwards all of them, written or not, must agree.
  void expect_same(const std::vector<Tensor>& tensors, const Call& call) { expect_same(tensors, call, call); }
  void expect_same(const std::vector<Tensor>& tensors, const Call& on_cpu, const Call& on_gpu) {
    if (small_tests() && elements(tensors) > most_small_elements) {
      ++left_out_;
      return;
    }
    ++tried_;
    std::vector<Tensor> here, there;
    for (const Tensor& tensor : tensors) {
      here.push_back(copy_with_gaps(tensor, Device{}));
      there.push_back(copy_with_gaps(tensor, gpu_->device()));
    }
    on_cpu(cpu_, here);
    on_gpu(*gpu_, there);
    gpu_->synchronize();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i]) continue;
      EXPECT_LE(difference(there[i].to(Device{}), here[i]), dtype() == DType::f32 ? 1e-4 : 2e-2)
          << "tensor " << i;
    }
  }

  Context cpu_{Device{}, 2};
  std::unique_ptr<Context> gpu_;
  Random random_{77};

 private:
  static constexpr std::int64_t most_small_elements = 2'500'000;

  static std::int64_t elements(const std::vector<Tensor>& tensors) {
    std::int64_t count = 0;
    for (const Tensor& tensor : tensors) count += tensor ? tensor.count() : 0;
    return count;
  }

  int tried_ = 0;
  int left_out_ = 0;
};

#define ARTEMIS_ON_BOTH(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(DTypes, suite, ::testing::Values(DType::f32, DType::bf16), \
                           [](const auto& entry) { return std::string(dtype_name(entry.param)); })

}  // namespace artemis::testing

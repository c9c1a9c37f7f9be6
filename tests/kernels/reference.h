// Checking an operation: against a double-precision reference, and its gradient against central differences
// of that.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "artemis/core/context.h"
#include "artemis/core/random.h"
#include "artemis/kernels/rows.h"

namespace artemis::test {

using Values = std::vector<double>;

inline Tensor random_tensor(Context& ctx, DType dtype, const Shape& shape, Random& random,
                            float scale = 1.0f) {
  Tensor values = Tensor::allocate(DType::f32, shape);
  for (float& value : values.mutable_values<float>()) value = random.normal() * scale;
  Tensor converted = Tensor::allocate(dtype, shape);
  convert(ctx, converted, values);
  return converted;
}

// The values of a tensor, row by row.
inline Values values_of(Context& ctx, const Tensor& tensor) {
  Tensor converted = Tensor::allocate(DType::f32, tensor.shape());
  convert(ctx, converted, tensor);
  const auto values = converted.values<float>();
  return {values.begin(), values.end()};
}

// Fills with NaN, so that an element that is not written shows.
inline Tensor poisoned(Context& ctx, DType dtype, const Shape& shape) {
  Tensor tensor = Tensor::allocate(dtype, shape);
  fill(ctx, tensor, NAN);
  return tensor;
}

// A few roundings of the dtype, relative to the largest magnitude.
inline double tolerance(DType dtype) { return dtype == DType::f32 ? 16 * 0x1p-24 : 4 * 0x1p-9; }

inline void expect_near(const Values& values, const Values& reference, double tolerance, const char* what) {
  ASSERT_EQ(values.size(), reference.size()) << what;
  double magnitude = 1e-30;
  for (const double value : reference) magnitude = std::max(magnitude, std::abs(value));
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_LE(std::abs(values[i] - reference[i]), tolerance * magnitude)
        << what << " at " << i << ": " << values[i] << ", expected " << reference[i];
  }
}

// The gradient of sum(weights * f(x)) by central differences.
inline Values numeric_gradient(const std::function<Values(const Values&)>& f, const Values& x,
                               const Values& weights) {
  constexpr double h = 1e-5;
  Values gradient(x.size());
  Values moved = x;
  const auto total = [&] {
    const Values out = f(moved);
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * weights[i];
    return sum;
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    moved[i] = x[i] + h;
    const double above = total();
    moved[i] = x[i] - h;
    gradient[i] = (above - total()) / (2 * h);
    moved[i] = x[i];
  }
  return gradient;
}

// What a body returns must be the same, to the bit, at any number of threads.
inline void expect_same_at_any_thread_count(const std::function<Values(Context&)>& body) {
  Context one(Device{}, 1);
  const Values expected = body(one);
  for (const int threads : {2, 5}) {
    Context ctx(Device{}, threads);
    EXPECT_EQ(body(ctx), expected) << threads << " threads";
  }
}

template <typename Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class ForDTypes : public testing::TestWithParam<DType> {
 protected:
  Context ctx_{Device{}, 2};
  Random random_{2024};
};

#define ARTEMIS_FOR_DTYPES(suite)                                                   \
  INSTANTIATE_TEST_SUITE_P(DTypes, suite, testing::Values(DType::f32, DType::bf16), \
                           [](const auto& entry) { return std::string(dtype_name(entry.param)); })

}  // namespace artemis::test

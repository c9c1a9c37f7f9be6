// Random tensors with row strides, and double-precision copies, for the tests of products and attention.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "artemis/core/random.h"
#include "artemis/core/tensor.h"

namespace artemis::testing {

// A (rows, cols) view of a wider matrix, of standard normals times `scale`.
inline Tensor random_matrix(Random& random, DType dtype, std::int64_t rows, std::int64_t cols,
                            std::int64_t gap = 0, float scale = 1.0f) {
  const Tensor whole = Tensor::allocate(dtype, {rows, cols + gap});
  for (std::int64_t i = 0; i < whole.count(); ++i) {
    const float value = scale * random.normal();
    if (dtype == DType::f32) {
      whole.mutable_data<float>()[i] = value;
    } else {
      whole.mutable_data<bfloat16>()[i] = bfloat16(value);
    }
  }
  return whole.columns(gap / 2, gap / 2 + cols);
}

inline Tensor random_vector(Random& random, DType dtype, std::int64_t size) {
  return random_matrix(random, dtype, 1, size).view({size});
}

inline double value_at(const Tensor& t, std::int64_t row, std::int64_t col) {
  const std::int64_t i = row * t.row_stride() + col;
  return t.dtype() == DType::f32 ? static_cast<double>(t.data<float>()[i])
                                 : static_cast<double>(static_cast<float>(t.data<bfloat16>()[i]));
}

// The largest difference from `expected` (row-major) over the largest magnitude in it; infinite for a NaN.
inline double relative_error(const Tensor& actual, const std::vector<double>& expected) {
  double difference = 0;
  double magnitude = 0;
  const std::int64_t cols = actual.row_size();
  for (std::int64_t i = 0; i < actual.count(); ++i) {
    const double reference = expected[static_cast<std::size_t>(i)];
    const double gap = std::abs(value_at(actual, i / cols, i % cols) - reference);
    if (std::isnan(gap)) return INFINITY;
    difference = std::max(difference, gap);
    magnitude = std::max(magnitude, std::abs(reference));
  }
  return magnitude > 0 ? difference / magnitude : difference;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const std::size_t size = dtype_size(a.dtype());
  for (std::int64_t r = 0; r < a.dim(0); ++r) {
    const auto bytes = static_cast<std::size_t>(a.row_size()) * size;
    const auto row_a = static_cast<std::size_t>(r * a.row_stride()) * size;
    const auto row_b = static_cast<std::size_t>(r * b.row_stride()) * size;
    if (std::memcmp(a.raw() + row_a, b.raw() + row_b, bytes) != 0) return false;
  }
  return true;
}

}  // namespace artemis::testing

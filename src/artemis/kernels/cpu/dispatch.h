// From a tensor's dtype to an element type, and element loads and stores in f32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "artemis/core/tensor.h"

namespace artemis::cpu {

inline float load(float value) { return value; }
inline float load(bfloat16 value) { return static_cast<float>(value); }
inline void store(float& target, float value) { target = value; }
inline void store(bfloat16& target, float value) { target = bfloat16(value); }

// Calls body with a value of the element type, f32 or bf16: body(auto element) -> decltype(element) names the
// type.
template <typename Body>
void dispatch_real(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body(float{});
    case DType::bf16:
      return body(bfloat16{});
    default:
      ARTEMIS_ASSERT(false);
  }
}

// The start of row i.
template <typename T>
const T* row(const Tensor& tensor, std::int64_t i) {
  return tensor.data<T>() + i * tensor.row_stride();
}
template <typename T>
T* mutable_row(const Tensor& tensor, std::int64_t i) {
  return tensor.mutable_data<T>() + i * tensor.row_stride();
}

// Elements in one piece of work, so that a piece is worth waking a thread for.
constexpr std::int64_t piece_elements = 16384;

// Rows of one piece.
inline std::int64_t row_grain(std::int64_t row_elements) {
  return std::max<std::int64_t>(1, piece_elements / std::max<std::int64_t>(1, row_elements));
}

// Columns of one piece, where each runs through all rows; whole cache lines of f32 at least.
inline std::int64_t column_grain(std::int64_t rows) {
  constexpr std::int64_t line = 16;
  return std::max<std::int64_t>(8, piece_elements / line / std::max<std::int64_t>(1, rows)) * line;
}

}  // namespace artemis::cpu

// Compiles a function and all that it calls for wider vector units too, and picks at load time; the default
// stays the baseline.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define ARTEMIS_VECTORISED \
  __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ARTEMIS_VECTORISED
#endif

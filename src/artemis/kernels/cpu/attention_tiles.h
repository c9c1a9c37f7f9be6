// What forward and backward of attention share: who sees whom, and heads of tensors as f32 tiles.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "artemis/kernels/attention.h"
#include "artemis/kernels/cpu/micro.h"

namespace artemis::cpu {

inline std::int64_t padded(std::int64_t extent) {
  return (extent + micro_width - 1) / micro_width * micro_width;
}

// Positions [begin, end) that the token at `position` of a sequence of `length` tokens sees.
struct Visible {
  std::int64_t begin, end;
};

inline Visible visible_keys(const AttentionOptions& options, std::int64_t position, std::int64_t length) {
  if (!options.causal) return {0, length};
  const std::int64_t begin =
      options.window > 0 ? std::max<std::int64_t>(0, position + 1 - options.window) : 0;
  return {begin, position + 1};
}

// The columns of the key tile at `first` that a token sees.
inline void visible_columns(const Visible& keys, std::int64_t first, std::int32_t& begin, std::int32_t& end) {
  const auto column = [&](std::int64_t key) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(key - first, 0, key_tile));
  };
  begin = column(keys.begin);
  end = column(keys.end);
}

// Memory that grows and is kept, one for each thread.
class Scratch {
 public:
  float* floats(std::int64_t count) {
    if (values_.size() < static_cast<std::size_t>(count)) values_.resize(static_cast<std::size_t>(count));
    return values_.data();
  }

 private:
  std::vector<float> values_;
};

// to (padded(head_dim)) = the head's elements from column on in a row of the tensor, then zeros.
inline void load_head(float* to, const Tensor& from, std::int64_t row, std::int64_t column,
                      std::int64_t head_dim) {
  const std::int64_t start = row * from.row_stride() + column;
  if (from.dtype() == DType::f32) {
    std::memcpy(to, from.data<float>() + start, static_cast<std::size_t>(head_dim) * sizeof(float));
  } else {
    micro_kernels().widen(to, reinterpret_cast<const std::uint16_t*>(from.data<bfloat16>() + start),
                          head_dim);
  }
  std::fill(to + head_dim, to + padded(head_dim), 0.0f);
}

// The head's elements = factor * from.
inline void store_head(const Tensor& to, std::int64_t row, std::int64_t column, std::int64_t head_dim,
                       const float* from, float factor) {
  const std::int64_t start = row * to.row_stride() + column;
  if (to.dtype() == DType::f32) {
    float* out = to.mutable_data<float>() + start;
    for (std::int64_t i = 0; i < head_dim; ++i) out[i] = from[i] * factor;
  } else {
    bfloat16* out = to.mutable_data<bfloat16>() + start;
    for (std::int64_t i = 0; i < head_dim; ++i) out[i] = bfloat16(from[i] * factor);
  }
}

}  // namespace artemis::cpu

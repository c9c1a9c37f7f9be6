#include <cmath>

#include <algorithm>
#include <cstring>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

std::byte* bytes_of_row(const Tensor& tensor, std::int64_t i) {
  return tensor.mutable_raw() +
         static_cast<std::size_t>(i * tensor.row_stride()) * dtype_size(tensor.dtype());
}
const std::byte* const_bytes_of_row(const Tensor& tensor, std::int64_t i) {
  return tensor.raw() + static_cast<std::size_t>(i * tensor.row_stride()) * dtype_size(tensor.dtype());
}

std::size_t row_bytes(const Tensor& tensor) {
  return static_cast<std::size_t>(tensor.row_size()) * dtype_size(tensor.dtype());
}

// body(row) for all rows, in pieces.
template <typename Body>
void for_rows(Context& ctx, std::int64_t rows, std::int64_t width, const Body& body) {
  ctx.pool().ranges(rows, row_grain(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

template <typename T>
ARTEMIS_VECTORISED void add_scaled(float* sums, const T* values, float scale, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) sums[i] += scale * load(values[i]);
}

template <typename Out, typename In>
ARTEMIS_VECTORISED void convert_row(Out* out, const In* x, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) out[i] = Out(static_cast<float>(x[i]));
}

// A row in pieces, each summed in f32 and rounded once.
template <typename T>
void interpolate_row(T* out, const Tensor& table, const std::int32_t* index, const float* weight,
                     std::int64_t taps) {
  constexpr std::int64_t piece = 256;
  float sums[piece];
  for (std::int64_t begin = 0; begin < table.dim(1); begin += piece) {
    const std::int64_t width = std::min(piece, table.dim(1) - begin);
    std::fill_n(sums, width, 0.0f);
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      add_scaled(sums, row<T>(table, index[tap]) + begin, weight[tap], width);
    }
    convert_row(out + begin, sums, width);
  }
}

template <typename T>
ARTEMIS_VECTORISED void add_row(T* out, const T* a, const T* b, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) store(out[i], load(a[i]) + load(b[i]));
}

template <typename T>
ARTEMIS_VECTORISED void multiply_row(T* x, float factor, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) store(x[i], factor * load(x[i]));
}

// As dispatch_real, with f16.
template <typename Body>
void dispatch_floating(DType dtype, const Body& body) {
  if (dtype == DType::f16) return body(float16{});
  dispatch_real(dtype, body);
}

// A tensor of any rank as rows: rank 0 and 1 are one row.
struct Rows {
  std::int64_t count;
  std::int64_t width;
};
Rows rows_of(const Tensor& tensor) {
  if (tensor.shape().rank() < 2) return {1, tensor.count()};
  return {tensor.dim(0), tensor.row_size()};
}

}  // namespace

void gather_rows(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index) {
  const std::int32_t* from = index.data<std::int32_t>();
  for_rows(ctx, out.dim(0), out.dim(1), [&](std::int64_t i) {
    std::memcpy(bytes_of_row(out, i), const_bytes_of_row(table, from[i]), row_bytes(out));
  });
}

void scatter_rows(Context& ctx, const Tensor& out, const Tensor& rows, const Tensor& index) {
  const std::int32_t* to = index.data<std::int32_t>();
  for_rows(ctx, rows.dim(0), rows.dim(1), [&](std::int64_t i) {
    std::memcpy(bytes_of_row(out, to[i]), const_bytes_of_row(rows, i), row_bytes(rows));
  });
}

void scatter_add_rows(Context& ctx, const Tensor& table, const Tensor& rows, const Tensor& index) {
  const std::int32_t* to = index.data<std::int32_t>();
  dispatch_real(rows.dtype(), [&](auto element) {
    using T = decltype(element);
    ctx.pool().ranges(rows.dim(1), column_grain(rows.dim(0)), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < rows.dim(0); ++i) {
        add_scaled(mutable_row<float>(table, to[i]) + begin, row<T>(rows, i) + begin, 1.0f, end - begin);
      }
    });
  });
}

void interpolate_rows_forward(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index,
                              const Tensor& weight) {
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, out.dim(0), out.dim(1) * index.dim(1), [&](std::int64_t i) {
      interpolate_row(mutable_row<T>(out, i), table, row<std::int32_t>(index, i), row<float>(weight, i),
                      index.dim(1));
    });
  });
}

void interpolate_rows_backward(Context& ctx, const Tensor& d_table, const Tensor& d_out, const Tensor& index,
                               const Tensor& weight) {
  dispatch_real(d_out.dtype(), [&](auto element) {
    using T = decltype(element);
    ctx.pool().ranges(d_out.dim(1), column_grain(index.count()), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < d_out.dim(0); ++i) {
        for (std::int64_t tap = 0; tap < index.dim(1); ++tap) {
          add_scaled(mutable_row<float>(d_table, row<std::int32_t>(index, i)[tap]) + begin,
                     row<T>(d_out, i) + begin, row<float>(weight, i)[tap], end - begin);
        }
      }
    });
  });
}

void add(Context& ctx, const Tensor& out, const Tensor& a, const Tensor& b) {
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, out.dim(0), out.dim(1), [&](std::int64_t i) {
      add_row(mutable_row<T>(out, i), row<T>(a, i), row<T>(b, i), out.dim(1));
    });
  });
}

void argmax_rows(Context& ctx, const Tensor& index, const Tensor& x) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ctx.pool().ranges(x.dim(0), row_grain(x.dim(1)), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t best = -1;
        float highest = 0;
        for (std::int64_t c = 0; c < x.dim(1); ++c) {
          const float value = load(row<T>(x, i)[c]);
          if (std::isnan(value) || (best >= 0 && value <= highest)) continue;
          best = c;
          highest = value;
        }
        index.mutable_data<std::int32_t>()[i] = static_cast<std::int32_t>(best);
      }
    });
  });
}

void multiply(Context& ctx, const Tensor& x, float factor) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, x.dim(0), x.dim(1),
             [&](std::int64_t i) { multiply_row(mutable_row<T>(x, i), factor, x.dim(1)); });
  });
}

void convert(Context& ctx, const Tensor& out, const Tensor& x) {
  const Rows shape = rows_of(out);
  if (out.dtype() == x.dtype()) {
    const std::size_t bytes = static_cast<std::size_t>(shape.width) * dtype_size(out.dtype());
    for_rows(ctx, shape.count, shape.width,
             [&](std::int64_t i) { std::memcpy(bytes_of_row(out, i), const_bytes_of_row(x, i), bytes); });
    return;
  }
  dispatch_floating(out.dtype(), [&]<typename Out>(Out) {
    dispatch_floating(x.dtype(), [&]<typename In>(In) {
      for_rows(ctx, shape.count, shape.width,
               [&](std::int64_t i) { convert_row(mutable_row<Out>(out, i), row<In>(x, i), shape.width); });
    });
  });
}

void fill(Context& ctx, const Tensor& out, float value) {
  const Rows shape = rows_of(out);
  dispatch_floating(out.dtype(), [&]<typename T>(T) {
    for_rows(ctx, shape.count, shape.width,
             [&](std::int64_t i) { std::fill_n(mutable_row<T>(out, i), shape.width, T(value)); });
  });
}

}  // namespace artemis::cpu

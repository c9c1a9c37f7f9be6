#include "artemis/kernels/linear.h"

#include <algorithm>
#include <vector>

#include "artemis/kernels/cpu/matmul.h"
#include "artemis/kernels/cpu/micro.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// Up to this many rows the weights' way from memory is what costs, and dot products along the rows of the
// weights beat oneDNN, which first copies them into another order.
constexpr std::int64_t few_rows = 15;
constexpr std::int64_t few_rows_tile = 64;
constexpr std::int64_t dots_rows = 64;  // of a tile of many, which read the weights' part from the cache

// sums (rows, few_rows_tile) of columns [begin, end).
void dots(float* sums, const Tensor& x, const Tensor& weight, std::int64_t begin, std::int64_t end) {
  const MicroKernels& micro = micro_kernels();
  const auto offset = begin * weight.row_stride();
  if (weight.dtype() == DType::f32) {
    micro.dots_f32(sums, few_rows_tile, x.data<float>(), x.row_stride(), weight.data<float>() + offset,
                   weight.row_stride(), x.dim(0), end - begin, x.dim(1));
  } else {
    micro.dots_bf16(sums, few_rows_tile, x.data<float>(), x.row_stride(),
                    reinterpret_cast<const std::uint16_t*>(weight.data<bfloat16>() + offset),
                    weight.row_stride(), x.dim(0), end - begin, x.dim(1));
  }
}

template <typename Out, typename In>
void store_sums(const Tensor& out, const float* sums, const Tensor& bias, std::int64_t begin,
                std::int64_t end) {
  for (std::int64_t r = 0; r < out.dim(0); ++r) {
    Out* row = out.mutable_data<Out>() + r * out.row_stride();
    const float* from = sums + r * few_rows_tile - begin;
    for (std::int64_t c = begin; c < end; ++c) {
      row[c] = static_cast<Out>(bias ? from[c] + static_cast<float>(bias.data<In>()[c]) : from[c]);
    }
  }
}

Tensor widened(Context& ctx, const Tensor& x) {
  if (x.dtype() == DType::f32) return x;
  const Tensor wide = ctx.allocate(DType::f32, x.shape());
  cpu::convert(ctx, wide, x);
  return wide;
}

// By dot products: a row's sums do not depend on how many rows there are.
void forward_by_dots(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                     const Tensor& bias) {
  const Arena::Scope scope(ctx.arena());
  const Tensor wide = widened(ctx, x);
  const std::int64_t rows = x.dim(0);
  const std::int64_t across = (weight.dim(0) + few_rows_tile - 1) / few_rows_tile;
  const std::int64_t down = (rows + dots_rows - 1) / dots_rows;
  ctx.pool().run(across * down, [&](std::int64_t tile) {
    const std::int64_t begin = tile / down * few_rows_tile;
    const std::int64_t end = std::min(begin + few_rows_tile, weight.dim(0));
    const std::int64_t first = tile % down * dots_rows;
    const std::int64_t last = std::min(first + dots_rows, rows);
    float sums[dots_rows * few_rows_tile];
    dots(sums, wide.rows(first, last), weight, begin, end);
    const Tensor part = out.rows(first, last);
    if (x.dtype() == DType::f32) {
      store_sums<float, float>(part, sums, bias, begin, end);
    } else if (out.dtype() == DType::f32) {
      store_sums<float, bfloat16>(part, sums, bias, begin, end);
    } else {
      store_sums<bfloat16, bfloat16>(part, sums, bias, begin, end);
    }
  });
}

// sums (n) += the columns' sums over all rows, in blocks of rows so that rounding errors stay small.
template <typename T>
void add_column_sums(Context& ctx, const Tensor& sums, const Tensor& matrix) {
  constexpr std::int64_t tile = 64;
  constexpr std::int64_t block = 64;
  ctx.pool().ranges(matrix.dim(1), tile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = 0; first < matrix.dim(0); first += block) {
      float part[tile] = {};
      for (std::int64_t r = first; r < std::min(first + block, matrix.dim(0)); ++r) {
        const T* row = matrix.data<T>() + r * matrix.row_stride();
        for (std::int64_t c = begin; c < end; ++c) part[c - begin] += static_cast<float>(row[c]);
      }
      for (std::int64_t c = begin; c < end; ++c) sums.mutable_data<float>()[c] += part[c - begin];
    }
  });
}

}  // namespace

void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const LinearEpilogue& epilogue) {
  if (out.count() == 0) return;
  if (x.dim(0) <= few_rows || ctx.batch_invariant()) {
    forward_by_dots(ctx, out, x, weight, bias);
  } else {
    matmul(ctx, out, as_operand(x), as_transposed(weight), x.dim(1), bias, false);
  }
  if (epilogue.activation) cpu::activation_forward(ctx, out, out, *epilogue.activation);
  if (epilogue.residual) cpu::add(ctx, out, out, epilogue.residual);
}

void gated_linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                          const Tensor& up_weight, Activation activation) {
  const Arena::Scope scope(ctx.arena());
  const Tensor up = ctx.allocate(out.dtype(), out.shape());
  cpu::linear_forward(ctx, out, x, gate_weight, Tensor(), {});
  cpu::linear_forward(ctx, up, x, up_weight, Tensor(), {});
  cpu::gated_forward(ctx, out, out, up, activation);
}

void linear_backward_input(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& weight,
                           bool accumulate) {
  if (d_x.count() == 0) return;
  matmul(ctx, d_x, as_operand(d_out), as_operand(weight), d_out.dim(1), Tensor(), accumulate);
}

void linear_backward_weight(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                            const Tensor& x) {
  if (d_out.count() == 0) return;
  if (d_weight && x.dim(1) > 0) {
    matmul(ctx, d_weight, as_transposed(d_out), as_operand(x), d_out.dim(0), Tensor(), true);
  }
  if (!d_bias) return;
  if (d_out.dtype() == DType::f32) {
    add_column_sums<float>(ctx, d_bias, d_out);
  } else {
    add_column_sums<bfloat16>(ctx, d_bias, d_out);
  }
}

}  // namespace artemis::cpu

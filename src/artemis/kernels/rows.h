// Moving and mixing whole rows of matrices: embedding look-up, the picture splice, position interpolation,
// residuals.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// out[i] = table[index[i]]. out (n, width), table (rows, width) of one dtype; index (n) i32 in [0, rows).
void gather_rows(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index);

// out[index[i]] = rows[i], other rows untouched. The indices are distinct. rows (n, width), out (m, width),
// one dtype.
void scatter_rows(Context& ctx, const Tensor& out, const Tensor& rows, const Tensor& index);

// table[index[i]] += rows[i], in order of i. table f32; rows f32 or bf16. The backward of gather_rows.
void scatter_add_rows(Context& ctx, const Tensor& table, const Tensor& rows, const Tensor& index);

// out[i] = sum over j of weight[i][j] * table[index[i][j]], from left to right. index (n, m) i32, weight
// (n, m) f32; table and out of one dtype. In bf16 the sum is kept in f32 and rounded once, as the reference
// does (its weights stay f32).
void interpolate_rows_forward(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index,
                              const Tensor& weight);

// d_table (rows, width) f32 accumulates.
void interpolate_rows_backward(Context& ctx, const Tensor& d_table, const Tensor& d_out, const Tensor& index,
                               const Tensor& weight);

// out = a + b, elementwise, one dtype (f32 or bf16); out may be a or b. Row strides allowed.
void add(Context& ctx, const Tensor& out, const Tensor& a, const Tensor& b);

// index[i] = the column of the largest element of row i, the first of equal ones; NaN is passed over, and a
// row of nothing else gives -1. index (rows) i32, x (rows, n) f32 or bf16.
void argmax_rows(Context& ctx, const Tensor& index, const Tensor& x);

// x = factor * x, elementwise, f32 or bf16. Row strides allowed.
void multiply(Context& ctx, const Tensor& x, float factor);

// out = x converted between f32, bf16 and f16 (rounding to nearest even), or copied when the dtypes are equal
// (any dtype). Row strides allowed.
void convert(Context& ctx, const Tensor& out, const Tensor& x);

// All elements become value (floating dtypes).
void fill(Context& ctx, const Tensor& out, float value);

}  // namespace artemis

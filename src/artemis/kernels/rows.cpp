#include "artemis/kernels/rows.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

// rows (n, width) of a table (any, width), by index (n) i32 within it. Indices on the CPU are checked one by
// one.
void check_rows(const Context& ctx, const char* operation, const Tensor& rows, const Tensor& table,
                const Tensor& index) {
  check_shape(ctx, operation, "table", table, {-1, -1});
  check_shape(ctx, operation, "index", index, {-1});
  check_dtype(operation, "index", index, DType::i32);
  check_shape(ctx, operation, "rows", rows, {index.dim(0), table.dim(1)});
}

// index of rank 1 or 2.
void check_indices(const Context& ctx, const char* operation, const Tensor& index, std::int64_t rows) {
  if (ctx.device().kind != DeviceKind::cpu) return;
  const std::int64_t width = index.row_size();
  for (std::int64_t i = 0; i < index.count(); ++i) {
    const std::int32_t value = index.data<std::int32_t>()[i / width * index.row_stride() + i % width];
    require(value >= 0 && value < rows, operation, "index {} at position {} is outside the {} rows", value, i,
            rows);
  }
}

// A defined tensor of any shape on the context's device.
void check_present(const Context& ctx, const char* operation, const char* name, const Tensor& tensor) {
  require(tensor.defined(), operation, "{} is absent", name);
  require(tensor.device() == ctx.device(), operation, "{} lives on {}, expected {}", name,
          device_name(tensor.device()), device_name(ctx.device()));
}

}  // namespace

void gather_rows(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index) {
  check_rows(ctx, "gather_rows", out, table, index);
  check_dtype("gather_rows", "out", out, table.dtype());
  check_indices(ctx, "gather_rows", index, table.dim(0));
  kernel_table(ctx.device()).gather_rows(ctx, out, table, index);
}

void scatter_rows(Context& ctx, const Tensor& out, const Tensor& rows, const Tensor& index) {
  check_rows(ctx, "scatter_rows", rows, out, index);
  check_dtype("scatter_rows", "rows", rows, out.dtype());
  check_indices(ctx, "scatter_rows", index, out.dim(0));
  kernel_table(ctx.device()).scatter_rows(ctx, out, rows, index);
}

void scatter_add_rows(Context& ctx, const Tensor& table, const Tensor& rows, const Tensor& index) {
  check_rows(ctx, "scatter_add_rows", rows, table, index);
  check_dtype("scatter_add_rows", "table", table, DType::f32);
  check_real("scatter_add_rows", "rows", rows);
  check_indices(ctx, "scatter_add_rows", index, table.dim(0));
  kernel_table(ctx.device()).scatter_add_rows(ctx, table, rows, index);
}

void interpolate_rows_forward(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index,
                              const Tensor& weight) {
  check_shape(ctx, "interpolate_rows", "table", table, {-1, -1});
  check_shape(ctx, "interpolate_rows", "index", index, {-1, -1});
  check_shape(ctx, "interpolate_rows", "weight", weight, {index.dim(0), index.dim(1)});
  check_shape(ctx, "interpolate_rows", "out", out, {index.dim(0), table.dim(1)});
  check_real("interpolate_rows", "table", table);
  check_dtype("interpolate_rows", "out", out, table.dtype());
  check_dtype("interpolate_rows", "index", index, DType::i32);
  check_dtype("interpolate_rows", "weight", weight, DType::f32);
  check_indices(ctx, "interpolate_rows", index, table.dim(0));
  kernel_table(ctx.device()).interpolate_rows_forward(ctx, out, table, index, weight);
}

void interpolate_rows_backward(Context& ctx, const Tensor& d_table, const Tensor& d_out, const Tensor& index,
                               const Tensor& weight) {
  check_shape(ctx, "interpolate_rows_backward", "d_table", d_table, {-1, -1});
  check_shape(ctx, "interpolate_rows_backward", "index", index, {-1, -1});
  check_shape(ctx, "interpolate_rows_backward", "weight", weight, {index.dim(0), index.dim(1)});
  check_shape(ctx, "interpolate_rows_backward", "d_out", d_out, {index.dim(0), d_table.dim(1)});
  check_real("interpolate_rows_backward", "d_out", d_out);
  check_dtype("interpolate_rows_backward", "d_table", d_table, DType::f32);
  check_dtype("interpolate_rows_backward", "index", index, DType::i32);
  check_dtype("interpolate_rows_backward", "weight", weight, DType::f32);
  check_indices(ctx, "interpolate_rows_backward", index, d_table.dim(0));
  kernel_table(ctx.device()).interpolate_rows_backward(ctx, d_table, d_out, index, weight);
}

void add(Context& ctx, const Tensor& out, const Tensor& a, const Tensor& b) {
  check_shape(ctx, "add", "a", a, {-1, -1});
  check_shape(ctx, "add", "b", b, {a.dim(0), a.dim(1)});
  check_shape(ctx, "add", "out", out, {a.dim(0), a.dim(1)});
  check_real("add", "a", a);
  check_dtype("add", "b", b, a.dtype());
  check_dtype("add", "out", out, a.dtype());
  kernel_table(ctx.device()).add(ctx, out, a, b);
}

void argmax_rows(Context& ctx, const Tensor& index, const Tensor& x) {
  constexpr const char* operation = "argmax_rows";
  check_shape(ctx, operation, "x", x, {-1, -1});
  check_real(operation, "x", x);
  check_shape(ctx, operation, "index", index, {x.dim(0)});
  check_dtype(operation, "index", index, DType::i32);
  kernel_table(ctx.device()).argmax_rows(ctx, index, x);
}

void multiply(Context& ctx, const Tensor& x, float factor) {
  check_shape(ctx, "multiply", "x", x, {-1, -1});
  check_real("multiply", "x", x);
  kernel_table(ctx.device()).multiply(ctx, x, factor);
}

void convert(Context& ctx, const Tensor& out, const Tensor& x) {
  check_present(ctx, "convert", "x", x);
  check_present(ctx, "convert", "out", out);
  require(out.shape() == x.shape(), "convert", "out has shape {}, expected {}", out.shape().to_string(),
          x.shape().to_string());
  require(out.dtype() == x.dtype() || (is_floating(out.dtype()) && is_floating(x.dtype())), "convert",
          "{} cannot become {}", dtype_name(x.dtype()), dtype_name(out.dtype()));
  kernel_table(ctx.device()).convert(ctx, out, x);
}

void fill(Context& ctx, const Tensor& out, float value) {
  check_present(ctx, "fill", "out", out);
  require(is_floating(out.dtype()), "fill", "out is {}, expected a floating dtype", dtype_name(out.dtype()));
  kernel_table(ctx.device()).fill(ctx, out, value);
}

}  // namespace artemis

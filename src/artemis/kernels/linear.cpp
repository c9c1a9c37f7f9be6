#include "artemis/kernels/linear.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {

void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const LinearEpilogue& epilogue) {
  constexpr const char* operation = "linear_forward";
  check_shape(ctx, operation, "x", x, {-1, -1});
  require(x.dim(1) > 0, operation, "x has no columns, expected at least one");
  check_shape(ctx, operation, "weight", weight, {-1, x.dim(1)});
  check_shape(ctx, operation, "out", out, {x.dim(0), weight.dim(0)});
  check_real(operation, "x", x);
  check_dtype(operation, "weight", weight, x.dtype());
  if (out.dtype() != DType::f32) check_dtype(operation, "out", out, x.dtype());
  if (bias) {
    check_shape(ctx, operation, "bias", bias, {weight.dim(0)});
    check_dtype(operation, "bias", bias, x.dtype());
  }
  if (epilogue.residual) {
    check_shape(ctx, operation, "residual", epilogue.residual, {out.dim(0), out.dim(1)});
    check_dtype(operation, "residual", epilogue.residual, out.dtype());
    require(epilogue.residual.raw() != out.raw(), operation, "residual is out itself");
  }
  kernel_table(ctx.device()).linear_forward(ctx, out, x, weight, bias, epilogue);
}

void gated_linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                          const Tensor& up_weight, Activation activation) {
  constexpr const char* operation = "gated_linear_forward";
  check_shape(ctx, operation, "x", x, {-1, -1});
  require(x.dim(1) > 0, operation, "x has no columns, expected at least one");
  check_shape(ctx, operation, "gate_weight", gate_weight, {-1, x.dim(1)});
  check_shape(ctx, operation, "up_weight", up_weight, {gate_weight.dim(0), x.dim(1)});
  check_shape(ctx, operation, "out", out, {x.dim(0), gate_weight.dim(0)});
  check_real(operation, "x", x);
  check_dtype(operation, "gate_weight", gate_weight, x.dtype());
  check_dtype(operation, "up_weight", up_weight, x.dtype());
  check_dtype(operation, "out", out, x.dtype());
  kernel_table(ctx.device()).gated_linear_forward(ctx, out, x, gate_weight, up_weight, activation);
}

void linear_backward_input(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& weight,
                           bool accumulate) {
  constexpr const char* operation = "linear_backward_input";
  check_shape(ctx, operation, "d_out", d_out, {-1, -1});
  require(d_out.dim(1) > 0, operation, "d_out has no columns, expected at least one");
  check_shape(ctx, operation, "weight", weight, {d_out.dim(1), -1});
  check_shape(ctx, operation, "d_x", d_x, {d_out.dim(0), weight.dim(1)});
  check_real(operation, "d_out", d_out);
  check_dtype(operation, "weight", weight, d_out.dtype());
  check_dtype(operation, "d_x", d_x, d_out.dtype());
  kernel_table(ctx.device()).linear_backward_input(ctx, d_x, d_out, weight, accumulate);
}

void linear_backward_weight(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                            const Tensor& x) {
  constexpr const char* operation = "linear_backward_weight";
  check_shape(ctx, operation, "d_out", d_out, {-1, -1});
  check_shape(ctx, operation, "x", x, {d_out.dim(0), -1});
  check_real(operation, "d_out", d_out);
  check_dtype(operation, "x", x, d_out.dtype());
  if (d_weight) {
    check_shape(ctx, operation, "d_weight", d_weight, {d_out.dim(1), x.dim(1)});
    check_dtype(operation, "d_weight", d_weight, DType::f32);
  }
  if (d_bias) {
    check_shape(ctx, operation, "d_bias", d_bias, {d_out.dim(1)});
    check_dtype(operation, "d_bias", d_bias, DType::f32);
  }
  kernel_table(ctx.device()).linear_backward_weight(ctx, d_weight, d_bias, d_out, x);
}

}  // namespace artemis

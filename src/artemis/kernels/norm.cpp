#include "artemis/kernels/norm.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

// What both norms have in common: matrices of one shape and dtype, a weight of one row.
void check_norm(const Context& ctx, const char* operation, const Tensor& out, const Tensor& x,
                const Tensor& weight) {
  check_shape(ctx, operation, "x", x, {-1, -1});
  check_shape(ctx, operation, "out", out, {x.dim(0), x.dim(1)});
  check_shape(ctx, operation, "weight", weight, {x.dim(1)});
  check_real(operation, "x", x);
  check_dtype(operation, "out", out, x.dtype());
  check_dtype(operation, "weight", weight, x.dtype());
}

void check_statistic(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                     const Tensor& x) {
  check_shape(ctx, operation, name, tensor, {x.dim(0)});
  check_dtype(operation, name, tensor, DType::f32);
}

void check_residual(const Context& ctx, const char* operation, const Tensor& residual, const Tensor& x) {
  if (!residual) return;
  check_shape(ctx, operation, "residual", residual, {x.dim(0), x.dim(1)});
  check_dtype(operation, "residual", residual, x.dtype());
}

void check_gradient(const Context& ctx, const char* operation, const char* name, const Tensor& gradient,
                    const Tensor& x) {
  if (!gradient) return;
  check_shape(ctx, operation, name, gradient, {x.dim(1)});
  check_dtype(operation, name, gradient, DType::f32);
}

}  // namespace

void rms_norm_forward(Context& ctx, const Tensor& out, const Tensor& rstd, const Tensor& x,
                      const Tensor& weight, float eps) {
  check_norm(ctx, "rms_norm", out, x, weight);
  if (rstd) check_statistic(ctx, "rms_norm", "rstd", rstd, x);
  kernel_table(ctx.device()).rms_norm_forward(ctx, out, rstd, x, weight, eps);
}

void rms_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_out,
                       const Tensor& x, const Tensor& weight, const Tensor& rstd, const Tensor& residual) {
  check_norm(ctx, "rms_norm_backward", d_out, x, weight);
  check_norm(ctx, "rms_norm_backward", d_x, x, weight);
  check_residual(ctx, "rms_norm_backward", residual, x);
  check_statistic(ctx, "rms_norm_backward", "rstd", rstd, x);
  check_gradient(ctx, "rms_norm_backward", "d_weight", d_weight, x);
  kernel_table(ctx.device()).rms_norm_backward(ctx, d_x, d_weight, d_out, x, weight, rstd, residual);
}

void layer_norm_forward(Context& ctx, const Tensor& out, const Tensor& mean, const Tensor& rstd,
                        const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  check_norm(ctx, "layer_norm", out, x, weight);
  check_norm(ctx, "layer_norm", out, x, bias);
  if (mean) check_statistic(ctx, "layer_norm", "mean", mean, x);
  if (rstd) check_statistic(ctx, "layer_norm", "rstd", rstd, x);
  kernel_table(ctx.device()).layer_norm_forward(ctx, out, mean, rstd, x, weight, bias, eps);
}

void layer_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_bias,
                         const Tensor& d_out, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd, const Tensor& residual) {
  check_norm(ctx, "layer_norm_backward", d_out, x, weight);
  check_norm(ctx, "layer_norm_backward", d_x, x, weight);
  check_residual(ctx, "layer_norm_backward", residual, x);
  check_statistic(ctx, "layer_norm_backward", "mean", mean, x);
  check_statistic(ctx, "layer_norm_backward", "rstd", rstd, x);
  check_gradient(ctx, "layer_norm_backward", "d_weight", d_weight, x);
  check_gradient(ctx, "layer_norm_backward", "d_bias", d_bias, x);
  kernel_table(ctx.device())
      .layer_norm_backward(ctx, d_x, d_weight, d_bias, d_out, x, weight, mean, rstd, residual);
}

}  // namespace artemis

#include "artemis/kernels/rotary.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

void check_rotary(const Context& ctx, const char* operation, const Tensor& x, const Tensor& cos,
                  const Tensor& sin, std::int64_t head_dim) {
  check_shape(ctx, operation, "x", x, {-1, -1});
  check_real(operation, "x", x);
  check_shape(ctx, operation, "cos", cos, {x.dim(0), -1});
  check_shape(ctx, operation, "sin", sin, {x.dim(0), cos.dim(1)});
  check_dtype(operation, "cos", cos, DType::f32);
  check_dtype(operation, "sin", sin, DType::f32);
  require(head_dim > 0 && x.dim(1) % head_dim == 0, operation, "x has {} columns, no multiple of head_dim {}",
          x.dim(1), head_dim);
  require(2 * cos.dim(1) <= head_dim, operation, "{} pairs turn, head_dim {} has fewer", cos.dim(1),
          head_dim);
}

}  // namespace

void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim) {
  check_rotary(ctx, "rotary", x, cos, sin, head_dim);
  kernel_table(ctx.device()).rotary_forward(ctx, x, cos, sin, head_dim);
}

void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim) {
  check_rotary(ctx, "rotary_backward", d_x, cos, sin, head_dim);
  kernel_table(ctx.device()).rotary_backward(ctx, d_x, cos, sin, head_dim);
}

}  // namespace artemis

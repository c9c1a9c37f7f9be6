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

void rotary_angles(Context& ctx, const Tensor& cos, const Tensor& sin, const Tensor& positions,
                   const Tensor& frequencies, float factor) {
  constexpr const char* operation = "rotary_angles";
  check_shape(ctx, operation, "positions", positions, {-1, -1});
  check_dtype(operation, "positions", positions, DType::i32);
  check_shape(ctx, operation, "frequencies", frequencies, {-1});
  check_dtype(operation, "frequencies", frequencies, DType::f32);
  const std::int64_t pairs = positions.dim(1) * frequencies.dim(0);
  check_shape(ctx, operation, "cos", cos, {positions.dim(0), pairs});
  check_shape(ctx, operation, "sin", sin, {positions.dim(0), pairs});
  check_dtype(operation, "cos", cos, DType::f32);
  check_dtype(operation, "sin", sin, DType::f32);
  kernel_table(ctx.device()).rotary_angles(ctx, cos, sin, positions, frequencies, factor);
}

void rotary_to_cache(Context& ctx, const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                     const Tensor& rows, const Tensor& cos, const Tensor& sin, std::int64_t head_dim) {
  constexpr const char* operation = "rotary_to_cache";
  check_rotary(ctx, operation, qkv, cos, sin, head_dim);
  check_shape(ctx, operation, "k_cache", k_cache, {-1, -1});
  check_shape(ctx, operation, "v_cache", v_cache, {k_cache.dim(0), k_cache.dim(1)});
  check_dtype(operation, "k_cache", k_cache, qkv.dtype());
  check_dtype(operation, "v_cache", v_cache, qkv.dtype());
  require(k_cache.dim(1) % head_dim == 0 && 2 * k_cache.dim(1) < qkv.dim(1), operation,
          "k_cache has {} columns, expected a multiple of head_dim {} that leaves some of {} to the queries",
          k_cache.dim(1), head_dim, qkv.dim(1));
  check_shape(ctx, operation, "rows", rows, {qkv.dim(0)});
  check_dtype(operation, "rows", rows, DType::i32);
  kernel_table(ctx.device()).rotary_to_cache(ctx, qkv, k_cache, v_cache, rows, cos, sin, head_dim);
}

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

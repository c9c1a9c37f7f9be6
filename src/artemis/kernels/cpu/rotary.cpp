#include <cmath>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// sign 1 turns by the angle, -1 turns back.
template <typename T>
ARTEMIS_VECTORISED void turn(T* head, const float* cos, const float* sin, std::int64_t pairs, float sign) {
  for (std::int64_t i = 0; i < pairs; ++i) {
    const float a = load(head[i]);
    const float b = load(head[i + pairs]);
    store(head[i], a * cos[i] - sign * b * sin[i]);
    store(head[i + pairs], b * cos[i] + sign * a * sin[i]);
  }
}

void rotate(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin, std::int64_t head_dim,
            float sign) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ctx.pool().ranges(x.dim(0), row_grain(x.dim(1)), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        T* values = mutable_row<T>(x, i);
        for (std::int64_t head = 0; head < x.dim(1); head += head_dim) {
          turn(values + head, row<float>(cos, i), row<float>(sin, i), cos.dim(1), sign);
        }
      }
    });
  });
}

}  // namespace

void rotary_angles(Context& ctx, const Tensor& cos, const Tensor& sin, const Tensor& positions,
                   const Tensor& frequencies, float factor) {
  const std::int64_t n = frequencies.dim(0);
  ctx.pool().ranges(cos.dim(0), row_grain(64 * cos.dim(1)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t i = 0; i < cos.dim(1); ++i) {
        const float angle =
            static_cast<float>(row<std::int32_t>(positions, t)[i / n]) * frequencies.data<float>()[i % n];
        mutable_row<float>(cos, t)[i] = std::cos(angle) * factor;
        mutable_row<float>(sin, t)[i] = std::sin(angle) * factor;
      }
    }
  });
}

void rotary_to_cache(Context& ctx, const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                     const Tensor& rows, const Tensor& cos, const Tensor& sin, std::int64_t head_dim) {
  const std::int64_t keys = qkv.dim(1) - 2 * k_cache.dim(1);
  const std::int64_t values = qkv.dim(1) - k_cache.dim(1);
  rotate(ctx, qkv.columns(0, values), cos, sin, head_dim, 1.0f);
  cpu::scatter_rows(ctx, k_cache, qkv.columns(keys, values), rows);
  cpu::scatter_rows(ctx, v_cache, qkv.columns(values, qkv.dim(1)), rows);
}

void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim) {
  rotate(ctx, x, cos, sin, head_dim, 1.0f);
}

void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim) {
  rotate(ctx, d_x, cos, sin, head_dim, -1.0f);
}

}  // namespace artemis::cpu

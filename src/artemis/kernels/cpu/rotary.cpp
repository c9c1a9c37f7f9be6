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

void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim) {
  rotate(ctx, x, cos, sin, head_dim, 1.0f);
}

void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim) {
  rotate(ctx, d_x, cos, sin, head_dim, -1.0f);
}

}  // namespace artemis::cpu

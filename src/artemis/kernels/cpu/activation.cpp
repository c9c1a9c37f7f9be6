#include <cmath>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/cpu/math.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// A function's value and derivative at one point.
struct Point {
  float value;
  float slope;
};

// x sigmoid(u), which silu and its relatives are: the slope is s + x u' s (1 - s). From e = exp(-|u|) both s
// and s (1 - s) come without cancellation.
inline Point sigmoid_product(float x, float u, float u_slope) {
  const float e = exp_f32(-std::abs(u));
  const float r = 1.0f / (1.0f + e);
  const float s = u < 0.0f ? e * r : r;
  return {x * s, s + x * u_slope * (e * r * r)};
}

// Each function, alone and with its derivative; the loops below are compiled once for each.
struct GeluErf {
  static float phi(float x) { return 0.5f * (1.0f + erf_f32(x * 0.70710678118654752f)); }
  static float value(float x) { return x * phi(x); }
  static Point at(float x) {
    constexpr float inverse_sqrt_2pi = 0.39894228040143268f;
    const float p = phi(x);
    return {x * p, p + x * inverse_sqrt_2pi * exp_f32(-0.5f * x * x)};
  }
};

// (1 + tanh u) / 2 = sigmoid(2 u), which loses nothing on the negative side.
struct GeluTanh {
  static constexpr float a = 1.59576912160573071f;  // 2 sqrt(2 / pi)
  static constexpr float b = 0.044715f;
  static float inner(float x) { return a * (x + b * x * x * x); }
  static float value(float x) { return x * sigmoid(inner(x)); }
  static Point at(float x) { return sigmoid_product(x, inner(x), a * (1.0f + 3.0f * b * x * x)); }
};

struct Silu {
  static float value(float x) { return x * sigmoid(x); }
  static Point at(float x) { return sigmoid_product(x, x, 1.0f); }
};

struct Relu {
  static float value(float x) { return x < 0.0f ? 0.0f : x; }  // a NaN stays
  static Point at(float x) { return {value(x), x > 0.0f ? 1.0f : 0.0f}; }
};

struct QuickGelu {
  static constexpr float a = 1.702f;
  static float value(float x) { return x * sigmoid(a * x); }
  static Point at(float x) { return sigmoid_product(x, a * x, a); }
};

template <typename Body>
void dispatch_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::gelu_erf:
      return body(GeluErf{});
    case Activation::gelu_tanh:
      return body(GeluTanh{});
    case Activation::silu:
      return body(Silu{});
    case Activation::relu:
      return body(Relu{});
    case Activation::quick_gelu:
      return body(QuickGelu{});
  }
  ARTEMIS_ASSERT(false);
}

template <typename F, typename T>
ARTEMIS_VECTORISED void forward_row(T* out, const T* x, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) store(out[i], F::value(load(x[i])));
}

template <typename F, typename T>
ARTEMIS_VECTORISED void backward_row(T* d_x, const T* d_out, const T* x, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) store(d_x[i], load(d_out[i]) * F::at(load(x[i])).slope);
}

template <typename F, typename T>
ARTEMIS_VECTORISED void gated_row(T* out, const T* gate, const T* up, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    T activated;
    store(activated, F::value(load(gate[i])));
    store(out[i], load(activated) * load(up[i]));
  }
}

template <typename F, typename T>
ARTEMIS_VECTORISED void gated_row_backward(T* d_gate, T* d_up, const T* d_out, const T* gate, const T* up,
                                           std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    const float d = load(d_out[i]);
    const float u = load(up[i]);
    const Point point = F::at(load(gate[i]));
    store(d_up[i], d * point.value);
    store(d_gate[i], d * u * point.slope);
  }
}

// body(function, element, row) for every row of x.
template <typename Body>
void for_rows(Context& ctx, const Tensor& x, Activation activation, const Body& body) {
  dispatch_activation(activation, [&](auto function) {
    dispatch_real(x.dtype(), [&](auto element) {
      ctx.pool().ranges(x.dim(0), row_grain(x.dim(1)), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) body(function, element, i);
      });
    });
  });
}

}  // namespace

void activation_forward(Context& ctx, const Tensor& out, const Tensor& x, Activation activation) {
  for_rows(ctx, x, activation, [&]<typename F, typename T>(F, T, std::int64_t i) {
    forward_row<F>(mutable_row<T>(out, i), row<T>(x, i), x.dim(1));
  });
}

void activation_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& x,
                         Activation activation) {
  for_rows(ctx, x, activation, [&]<typename F, typename T>(F, T, std::int64_t i) {
    backward_row<F>(mutable_row<T>(d_x, i), row<T>(d_out, i), row<T>(x, i), x.dim(1));
  });
}

void gated_forward(Context& ctx, const Tensor& out, const Tensor& gate, const Tensor& up,
                   Activation activation) {
  for_rows(ctx, gate, activation, [&]<typename F, typename T>(F, T, std::int64_t i) {
    gated_row<F>(mutable_row<T>(out, i), row<T>(gate, i), row<T>(up, i), gate.dim(1));
  });
}

void gated_backward(Context& ctx, const Tensor& d_gate, const Tensor& d_up, const Tensor& d_out,
                    const Tensor& gate, const Tensor& up, Activation activation) {
  for_rows(ctx, gate, activation, [&]<typename F, typename T>(F, T, std::int64_t i) {
    gated_row_backward<F>(mutable_row<T>(d_gate, i), mutable_row<T>(d_up, i), row<T>(d_out, i),
                          row<T>(gate, i), row<T>(up, i), gate.dim(1));
  });
}

}  // namespace artemis::cpu

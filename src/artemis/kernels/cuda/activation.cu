#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

// A function's value and derivative at one point.
struct Point {
  float value;
  float slope;
};

// x sigmoid(u): the slope is s + x u' s (1 - s), and from e = exp(-|u|) both s and s (1 - s) come without
// cancellation.
__device__ Point sigmoid_product(float x, float u, float u_slope) {
  const float e = expf(-fabsf(u));
  const float r = 1.0f / (1.0f + e);
  const float s = u < 0.0f ? e * r : r;
  return {x * s, s + x * u_slope * (e * r * r)};
}

__device__ Point gelu_erf(float x) {
  const float phi = 0.5f * (1.0f + erff(x * 0.70710678118654752f));
  constexpr float inverse_sqrt_2pi = 0.39894228040143268f;
  return {x * phi, phi + x * inverse_sqrt_2pi * expf(-0.5f * x * x)};
}

// (1 + tanh u) / 2 = sigmoid(2 u).
__device__ Point gelu_tanh(float x) {
  constexpr float a = 1.59576912160573071f;  // 2 sqrt(2 / pi)
  constexpr float b = 0.044715f;
  return sigmoid_product(x, a * (x + b * x * x * x), a * (1.0f + 3.0f * b * x * x));
}

// What is not used of the result is not computed.
template <Activation activation>
__device__ Point at(float x) {
  if constexpr (activation == Activation::gelu_erf) return gelu_erf(x);
  if constexpr (activation == Activation::gelu_tanh) return gelu_tanh(x);
  if constexpr (activation == Activation::silu) return sigmoid_product(x, x, 1.0f);
  if constexpr (activation == Activation::relu) return {x < 0.0f ? 0.0f : x, x > 0.0f ? 1.0f : 0.0f};
  if constexpr (activation == Activation::quick_gelu) return sigmoid_product(x, 1.702f * x, 1.702f);
}

// The matrix element of this thread.
struct Element {
  std::int64_t row, col;
  bool inside;
};
__device__ Element element_of_thread(std::int64_t rows, std::int64_t cols) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  return {index / cols, index % cols, index < rows * cols};
}

template <Activation f, typename T>
__global__ void forward(Rows<T> out, Rows<const T> x, std::int64_t rows, std::int64_t cols) {
  const auto [row, col, inside] = element_of_thread(rows, cols);
  if (inside) store(out[row][col], at<f>(load(x[row][col])).value);
}

template <Activation f, typename T>
__global__ void backward(Rows<T> d_x, Rows<const T> d_out, Rows<const T> x, std::int64_t rows,
                         std::int64_t cols) {
  const auto [row, col, inside] = element_of_thread(rows, cols);
  if (inside) store(d_x[row][col], load(d_out[row][col]) * at<f>(load(x[row][col])).slope);
}

template <Activation f, typename T>
__global__ void gated(Rows<T> out, Rows<const T> gate, Rows<const T> up, std::int64_t rows,
                      std::int64_t cols) {
  const auto [row, col, inside] = element_of_thread(rows, cols);
  if (!inside) return;
  store(out[row][col], rounded<T>(at<f>(load(gate[row][col])).value) * load(up[row][col]));
}

template <Activation f, typename T>
__global__ void gated_gradient(Rows<T> d_gate, Rows<T> d_up, Rows<const T> d_out, Rows<const T> gate,
                               Rows<const T> up, std::int64_t rows, std::int64_t cols) {
  const auto [row, col, inside] = element_of_thread(rows, cols);
  if (!inside) return;
  const float d = load(d_out[row][col]);
  const float u = load(up[row][col]);
  const Point point = at<f>(load(gate[row][col]));
  store(d_up[row][col], d * point.value);
  store(d_gate[row][col], d * u * point.slope);
}

// The activation as a constant of the type.
template <Activation f>
struct Function {
  static constexpr Activation value = f;
};

template <typename Body>
void dispatch_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::gelu_erf:
      return body(Function<Activation::gelu_erf>{});
    case Activation::gelu_tanh:
      return body(Function<Activation::gelu_tanh>{});
    case Activation::silu:
      return body(Function<Activation::silu>{});
    case Activation::relu:
      return body(Function<Activation::relu>{});
    case Activation::quick_gelu:
      return body(Function<Activation::quick_gelu>{});
  }
  ARTEMIS_ASSERT(false);
}

// body(function, element, blocks) for a matrix like x that has elements.
template <typename Body>
void launch_over(const Tensor& x, Activation activation, const Body& body) {
  if (x.count() == 0) return;
  dispatch_activation(activation, [&](auto function) {
    dispatch_real(x.dtype(), [&](auto element) { body(function, element, blocks_for(x.count(), threads)); });
  });
}

}  // namespace

void activation_forward(Context& ctx, const Tensor& out, const Tensor& x, Activation activation) {
  launch_over(x, activation, [&]<typename F, typename T>(F, T, unsigned blocks) {
    ARTEMIS_LAUNCH(forward<F::value, T><<<blocks, threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), rows_of<T>(x), x.dim(0), x.dim(1)));
  });
}

void activation_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& x,
                         Activation activation) {
  launch_over(x, activation, [&]<typename F, typename T>(F, T, unsigned blocks) {
    ARTEMIS_LAUNCH(backward<F::value, T><<<blocks, threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x), x.dim(0), x.dim(1)));
  });
}

void gated_forward(Context& ctx, const Tensor& out, const Tensor& gate, const Tensor& up,
                   Activation activation) {
  launch_over(gate, activation, [&]<typename F, typename T>(F, T, unsigned blocks) {
    ARTEMIS_LAUNCH(gated<F::value, T><<<blocks, threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), rows_of<T>(gate), rows_of<T>(up), gate.dim(0), gate.dim(1)));
  });
}

void gated_backward(Context& ctx, const Tensor& d_gate, const Tensor& d_up, const Tensor& d_out,
                    const Tensor& gate, const Tensor& up, Activation activation) {
  launch_over(gate, activation, [&]<typename F, typename T>(F, T, unsigned blocks) {
    ARTEMIS_LAUNCH(gated_gradient<F::value, T><<<blocks, threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(d_gate), mutable_rows_of<T>(d_up), rows_of<T>(d_out), rows_of<T>(gate),
        rows_of<T>(up), gate.dim(0), gate.dim(1)));
  });
}

}  // namespace artemis::cuda

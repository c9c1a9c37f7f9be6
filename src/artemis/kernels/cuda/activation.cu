#include "artemis/kernels/cuda/activation.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

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

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

struct Extents {
  std::int64_t tokens, heads, head_dim, pairs;
};

// One thread for each pair. sign 1 turns by the angle, -1 turns back.
template <typename T>
__global__ void turn(Rows<T> x, Rows<const float> cos, Rows<const float> sin, Extents extents, float sign) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (index >= extents.tokens * extents.heads * extents.pairs) return;
  const std::int64_t i = index % extents.pairs;
  const std::int64_t head = index / extents.pairs % extents.heads;
  const std::int64_t token = index / extents.pairs / extents.heads;
  T* first = x[token] + head * extents.head_dim + i;
  T* second = first + extents.pairs;
  const float a = load(*first);
  const float b = load(*second);
  const float c = cos[token][i];
  const float s = sign * sin[token][i];
  store(*first, a * c - b * s);
  store(*second, b * c + a * s);
}

void rotate(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin, std::int64_t head_dim,
            float sign) {
  const Extents extents = {x.dim(0), x.dim(1) / head_dim, head_dim, cos.dim(1)};
  const unsigned grid = blocks_for(extents.tokens * extents.heads * extents.pairs, threads);
  if (grid == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(turn<T><<<grid, threads, 0, stream(ctx)>>>(mutable_rows_of<T>(x), rows_of<float>(cos),
                                                              rows_of<float>(sin), extents, sign));
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

}  // namespace artemis::cuda

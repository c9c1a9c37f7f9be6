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

// One thread for each pair of a token.
__global__ void angles(Rows<float> cos, Rows<float> sin, Rows<const std::int32_t> positions,
                       const float* frequencies, int n, std::int64_t tokens, int pairs, float factor) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (index >= tokens * pairs) return;
  const std::int64_t token = index / pairs;
  const int i = static_cast<int>(index % pairs);
  const float angle = static_cast<float>(positions[token][i / n]) * frequencies[i % n];
  cos[token][i] = cosf(angle) * factor;
  sin[token][i] = sinf(angle) * factor;
}

}  // namespace

void rotary_angles(Context& ctx, const Tensor& cos, const Tensor& sin, const Tensor& positions,
                   const Tensor& frequencies, float factor) {
  if (cos.count() == 0) return;
  ARTEMIS_LAUNCH(angles<<<blocks_for(cos.count(), threads), threads, 0, stream(ctx)>>>(
      mutable_rows_of<float>(cos), mutable_rows_of<float>(sin), rows_of<std::int32_t>(positions),
      frequencies.data<float>(), static_cast<int>(frequencies.dim(0)), cos.dim(0),
      static_cast<int>(cos.dim(1)), factor));
}

void rotary_to_cache(Context& ctx, const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                     const Tensor& rows, const Tensor& cos, const Tensor& sin, std::int64_t head_dim) {
  const std::int64_t keys = qkv.dim(1) - 2 * k_cache.dim(1);
  const std::int64_t values = qkv.dim(1) - k_cache.dim(1);
  rotate(ctx, qkv.columns(0, values), cos, sin, head_dim, 1.0f);
  cuda::scatter_rows(ctx, k_cache, qkv.columns(keys, values), rows);
  cuda::scatter_rows(ctx, v_cache, qkv.columns(values, qkv.dim(1)), rows);
}

void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim) {
  rotate(ctx, x, cos, sin, head_dim, 1.0f);
}

void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim) {
  rotate(ctx, d_x, cos, sin, head_dim, -1.0f);
}

}  // namespace artemis::cuda

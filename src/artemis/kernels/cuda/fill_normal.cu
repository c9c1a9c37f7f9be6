#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/normal_source.h"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;
constexpr std::int64_t most_blocks = 132 * 16;

// A group of four elements a thread, then the next one a grid further on.
template <typename T>
__global__ void fill_groups(T* out, std::int64_t count, float deviation, std::uint64_t seed,
                            std::uint64_t stream_index) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads * normal_group;
  std::int64_t i = (std::int64_t{blockIdx.x} * threads + threadIdx.x) * normal_group;
  for (; i < count; i += step) {
    const NormalUniforms even =
        normal_uniforms(seed, stream_index, static_cast<std::uint64_t>(i / normal_group));
    float values[normal_group];
#pragma unroll
    for (int pair = 0; pair < 2; ++pair) {
      const float radius = deviation * sqrtf(-2.0f * logf(even.radius[pair]));
      float sine;
      float cosine;
      sincospif(2.0f * even.angle[pair], &sine, &cosine);
      values[2 * pair] = radius * cosine;
      values[2 * pair + 1] = radius * sine;
    }
#pragma unroll
    for (int j = 0; j < normal_group; ++j) {
      if (i + j < count) store(out[i + j], values[j]);
    }
  }
}

}  // namespace

void fill_normal(Context& ctx, const Tensor& out, float deviation, std::uint64_t seed,
                 std::uint64_t stream_index) {
  const std::int64_t count = out.count();
  if (count == 0) return;
  const std::int64_t blocks = (count + threads * normal_group - 1) / (threads * normal_group);
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(
        fill_groups<T>
        <<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), threads, 0, stream(ctx)>>>(
            out.mutable_data<T>(), count, deviation, seed, stream_index));
  });
}

}  // namespace artemis::cuda

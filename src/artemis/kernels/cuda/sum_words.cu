#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 512;
constexpr int loads = 8;  // of 16 bytes, on their way at once in each thread
constexpr std::int64_t most_blocks = 132 * 4;

using Word = unsigned long long;

// Pieces of threads * loads pairs of words, a grid apart. Sums of integers do not depend on their order.
__global__ void __launch_bounds__(threads) sum_pairs(Word* sum, const ulonglong2* pairs, std::int64_t count) {
  constexpr std::int64_t piece = std::int64_t{threads} * loads;
  Word part = 0;
  for (std::int64_t begin = blockIdx.x * piece; begin < count; begin += gridDim.x * piece) {
    const std::int64_t first = begin + threadIdx.x;
    if (begin + piece <= count) {
      ulonglong2 values[loads];
#pragma unroll
      for (int i = 0; i < loads; ++i) values[i] = __ldcs(pairs + first + std::int64_t{i} * threads);
#pragma unroll
      for (int i = 0; i < loads; ++i) part += values[i].x + values[i].y;
    } else {
      for (std::int64_t i = first; i < count; i += threads) part += pairs[i].x + pairs[i].y;
    }
  }
  for (int step = warp_size / 2; step > 0; step /= 2) part += __shfl_xor_sync(all_lanes, part, step);
  if (threadIdx.x % warp_size == 0) atomicAdd(sum, part);
}

}  // namespace

void sum_words(Context& ctx, const Tensor& sum, const Tensor& x) {
  auto* total = reinterpret_cast<Word*>(sum.mutable_data<std::int64_t>());
  ARTEMIS_CUDA(cudaMemsetAsync(total, 0, sizeof(Word), stream(ctx)));
  const auto count = static_cast<std::int64_t>(x.bytes() / sizeof(ulonglong2));
  if (count == 0) return;
  const std::int64_t blocks = (count + threads * loads - 1) / (threads * loads);
  ARTEMIS_LAUNCH(sum_pairs<<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), threads, 0,
                             stream(ctx)>>>(total, reinterpret_cast<const ulonglong2*>(x.raw()), count));
}

}  // namespace artemis::cuda

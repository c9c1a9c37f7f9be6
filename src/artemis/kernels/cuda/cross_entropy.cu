#include <algorithm>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Columns of one block of the backward pass.
constexpr std::int64_t chunk_size = 4096;
constexpr int chunk_threads = 256;

// A block for each row. The maximum passes over a NaN, which then makes the sum NaN; a row of nothing but
// -inf sums to 0.
template <typename T>
__global__ void log_sum_row(float* loss, float* lse, Rows<const T> logits, const std::int32_t* labels,
                            std::int64_t vocabulary) {
  const T* row = logits[blockIdx.x];
  float maximum = -INFINITY;
  for (std::int64_t i = threadIdx.x; i < vocabulary; i += blockDim.x) maximum = fmaxf(maximum, load(row[i]));
  maximum = block_max(maximum);
  const float shift = maximum == -INFINITY ? 0.0f : maximum;
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < vocabulary; i += blockDim.x) sum += expf(load(row[i]) - shift);
  sum = block_sum(sum);
  if (threadIdx.x != 0) return;
  const double log_sum = log(static_cast<double>(sum));
  const auto largest = static_cast<double>(maximum);
  const auto label = static_cast<double>(load(row[labels[blockIdx.x]]));
  lse[blockIdx.x] = static_cast<float>(largest + log_sum);
  loss[blockIdx.x] = static_cast<float>((largest - label) + log_sum);
}

// A block for each chunk of each row.
template <typename T>
__global__ void softmax_gradient(Rows<T> d_logits, Rows<const T> logits, const float* lse,
                                 const std::int32_t* labels, std::int64_t vocabulary, float scale) {
  const T* row = logits[blockIdx.x];
  T* d = d_logits[blockIdx.x];
  const float log_sum = lse[blockIdx.x];
  const std::int64_t label = labels[blockIdx.x];
  const std::int64_t begin = blockIdx.y * chunk_size;
  const std::int64_t end = min(begin + chunk_size, vocabulary);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += chunk_threads) {
    const float probability = expf(load(row[i]) - log_sum);
    store(d[i], scale * (i == label ? probability - 1.0f : probability));
  }
}

unsigned row_threads(std::int64_t vocabulary) {
  constexpr std::int64_t most = 1024;
  const std::int64_t warps = blocks_for(vocabulary, warp_size);
  return static_cast<unsigned>(std::clamp<std::int64_t>(warps * warp_size, warp_size, most));
}

}  // namespace

void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels) {
  const auto rows = static_cast<unsigned>(logits.dim(0));
  if (rows == 0) return;
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(log_sum_row<T><<<rows, row_threads(logits.dim(1)), 0, stream(ctx)>>>(
        loss.mutable_data<float>(), lse.mutable_data<float>(), rows_of<T>(logits),
        labels.data<std::int32_t>(), logits.dim(1)));
  });
}

void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale) {
  const dim3 grid(static_cast<unsigned>(logits.dim(0)), blocks_for(logits.dim(1), chunk_size));
  if (grid.x == 0 || grid.y == 0) return;
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(softmax_gradient<T><<<grid, chunk_threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(d_logits), rows_of<T>(logits), lse.data<float>(), labels.data<std::int32_t>(),
        logits.dim(1), scale));
  });
}

}  // namespace artemis::cuda

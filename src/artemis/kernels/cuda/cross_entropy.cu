#include "artemis/kernels/cuda/activation.cuh"
#include "artemis/kernels/cuda/elementwise.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Threads of the block of a row, and packs that each reads before it sums the first.
constexpr int row_threads = 256;
constexpr int packs_ahead = 4;

// A sum of exponentials over the largest of their arguments so far. The maximum passes over a NaN, which then
// makes the sum NaN; of nothing but -inf the sum is 0.
template <typename T>
struct LogSum {
  float maximum = -INFINITY;
  float sum = 0;

  __device__ static float shift(float maximum) { return maximum == -INFINITY ? 0.0f : maximum; }
  __device__ void raise(float to) {
    sum *= exponential<T>(maximum - shift(to));
    maximum = to;
  }
};

// A block for each row.
template <typename T, int n>
__global__ void __launch_bounds__(row_threads, 5)
    log_sum_row(float* loss, float* lse, Rows<const T> logits, const std::int32_t* labels, int vocabulary) {
  wait_for_previous();
  let_next_start();
  const T* row = logits[blockIdx.x];
  constexpr int step = row_threads * n;
  LogSum<T> total;
  for (int first = static_cast<int>(threadIdx.x) * n; first < vocabulary; first += packs_ahead * step) {
    Pack<T, n> packs[packs_ahead];
    float largest = total.maximum;
#pragma unroll
    for (int p = 0; p < packs_ahead; ++p) {
      if (first + p * step < vocabulary) {
        packs[p] = load_pack<n>(row + first + p * step);
      } else {
        for (T& element : packs[p].values) store(element, -INFINITY);
      }
    }
#pragma unroll
    for (int p = 0; p < packs_ahead; ++p) {
#pragma unroll
      for (const T element : packs[p].values) largest = fmaxf(largest, load(element));
    }
    total.raise(largest);
    const float shift = LogSum<T>::shift(largest);
#pragma unroll
    for (int p = 0; p < packs_ahead; ++p) {
#pragma unroll
      for (const T element : packs[p].values) total.sum += exponential<T>(load(element) - shift);
    }
  }
  total.raise(block_max(total.maximum));
  const float sum = block_sum(total.sum);
  if (threadIdx.x != 0) return;
  const double log_sum = log(static_cast<double>(sum));
  const auto largest = static_cast<double>(total.maximum);
  const auto label = static_cast<double>(load(row[labels[blockIdx.x]]));
  lse[blockIdx.x] = static_cast<float>(largest + log_sum);
  loss[blockIdx.x] = static_cast<float>((largest - label) + log_sum);
}

template <typename T, int n>
struct SoftmaxGradient {
  Rows<T> d_logits;
  Rows<const T> logits;
  const float* lse;
  const std::int32_t* labels;
  float scale;

  __device__ Pack<T, n> take(std::int64_t row, std::int64_t col) const {
    return load_pack<n>(logits[row] + col);
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Pack<T, n> taken) const {
    const float log_sum = lse[row];
    const auto label = static_cast<int>(labels[row] - col);
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float probability = exponential<T>(load(taken.values[i]) - log_sum);
      store(taken.values[i], scale * (i == label ? probability - 1.0f : probability));
    }
    store_pack(d_logits[row] + col, taken);
  }
};

}  // namespace

void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels) {
  if (logits.dim(0) == 0) return;
  dispatch_real(logits.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(logits.dim(1), widest_pack<T>, logits), [&](auto n) {
      launch_chained(ctx, log_sum_row<T, n()>, static_cast<unsigned>(logits.dim(0)), row_threads, 0,
                     loss.mutable_data<float>(), lse.mutable_data<float>(), rows_of<T>(logits),
                     labels.data<std::int32_t>(), static_cast<int>(logits.dim(1)));
    });
  });
}

void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale) {
  const Extents extents = extents_of(logits);
  dispatch_real(logits.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(extents.cols, widest_pack<T>, d_logits, logits), [&](auto n) {
      launch_each_pack<n()>(ctx,
                            SoftmaxGradient<T, n()>{mutable_rows_of<T>(d_logits), rows_of<T>(logits),
                                                    lse.data<float>(), labels.data<std::int32_t>(), scale},
                            extents);
    });
  });
}

}  // namespace artemis::cuda

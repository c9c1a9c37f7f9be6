#include <cmath>
#include <vector>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

// The step's constants, as torch's single-tensor AdamW forms them in double.
struct Step {
  float decay;       // 1 - rate * weight_decay
  float beta1_rest;  // 1 - beta1
  float beta2;
  float beta2_rest;   // 1 - beta2
  float step_size;    // rate / (1 - beta1^t)
  float root_second;  // sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

Step constants(const AdamWOptions& options) {
  const auto t = static_cast<double>(options.step);
  return {.decay = static_cast<float>(1.0 - options.learning_rate * options.weight_decay),
          .beta1_rest = static_cast<float>(1.0 - options.beta1),
          .beta2 = static_cast<float>(options.beta2),
          .beta2_rest = static_cast<float>(1.0 - options.beta2),
          .step_size = static_cast<float>(options.learning_rate / (1.0 - std::pow(options.beta1, t))),
          .root_second = static_cast<float>(std::sqrt(1.0 - std::pow(options.beta2, t))),
          .eps = static_cast<float>(options.eps),
          .gradient_scale = static_cast<float>(options.gradient_scale)};
}

template <typename T>
__global__ void update(T* parameter, float* master, float* first, float* second, const float* gradient,
                       std::int64_t count, Step step) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (i >= count) return;
  const float g = gradient[i] * step.gradient_scale;
  const float mean = first[i] + step.beta1_rest * (g - first[i]);
  const float square = step.beta2 * second[i] + step.beta2_rest * g * g;
  const float denominator = sqrtf(square) / step.root_second + step.eps;
  const float value = master[i] * step.decay - step.step_size * mean / denominator;
  first[i] = mean;
  second[i] = square;
  master[i] = value;
  store(parameter[i], value);  // may be master itself
}

// Block b sums the squares of its piece, each thread every `threads`-th of them.
constexpr std::int64_t piece = 16384;

__global__ void squares(double* sums, const float* x, std::int64_t count) {
  __shared__ double partial[threads];
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * piece;
  const std::int64_t end = min(begin + piece, count);
  double sum = 0;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += threads) {
    const double value = x[i];
    sum += value * value;
  }
  partial[threadIdx.x] = sum;
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

}  // namespace

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  if (master.count() == 0) return;
  dispatch_real(parameter.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(update<T><<<blocks_for(master.count(), threads), threads, 0, stream(ctx)>>>(
        parameter.mutable_data<T>(), master.mutable_data<float>(), first.mutable_data<float>(),
        second.mutable_data<float>(), gradient.data<float>(), master.count(), constants(options)));
  });
}

double sum_of_squares(Context& ctx, const Tensor& x) {
  if (x.count() == 0) return 0;
  const Arena::Scope scope(ctx.arena());
  const unsigned blocks = blocks_for(x.count(), piece);
  const Tensor sums = ctx.allocate(DType::i64, {blocks});  // memory for as many doubles
  std::vector<double> on_host(blocks);
  ARTEMIS_LAUNCH(squares<<<blocks, threads, 0, stream(ctx)>>>(reinterpret_cast<double*>(sums.mutable_raw()),
                                                              x.data<float>(), x.count()));
  ctx.copy(Tensor::wrap(on_host.data(), DType::i64, sums.shape(), Device{}, nullptr, false), sums);
  double total = 0;
  for (const double sum : on_host) total += sum;
  return total;
}

}  // namespace artemis::cuda

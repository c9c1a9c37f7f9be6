#include <vector>

#include "artemis/kernels/adamw_factors.h"
#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/moment_codes.h"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;
static_assert(threads == moment_block);

// A weight: its exact values lie in the master, or in the parameter where master is null.
template <typename T>
struct Weight {
  T* parameter;
  float* master;  // may be the parameter
  std::int64_t count;
};

struct Moments {
  float mean;
  float squares;
};

__device__ std::uint32_t noise_bits(const RoundingNoise& noise, std::int64_t i) {
  const auto bits = noise.of_eight(static_cast<std::uint64_t>(i / noise_group));
  const int within = static_cast<int>(i % noise_group);
  return (bits[within / 2] >> (16 * (within % 2))) & 0xffffu;
}

// One element: new moments from the old ones, and the new weight.
template <typename T>
__device__ Moments update(const Weight<T>& weight, std::int64_t i, Moments moments, float gradient,
                          const AdamWFactors& step, const RoundingNoise& noise) {
  const float g = gradient * step.gradient_scale;
  const float mean = moments.mean + step.beta1_rest * (g - moments.mean);
  const float squares = step.beta2 * moments.squares + step.beta2_rest * g * g;
  const float denominator = sqrtf(squares) / step.root_second + step.eps;
  const float before = weight.master != nullptr ? weight.master[i] : load(weight.parameter[i]);
  const float value = before * step.decay - step.step_size * mean / denominator;
  if (weight.master != nullptr) {
    weight.master[i] = value;
    store(weight.parameter[i], value);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    weight.parameter[i].bits = bfloat16_bits_stochastic(__float_as_uint(value), noise_bits(noise, i));
  }
  return {mean, squares};
}

template <typename T>
__global__ void step_plain(Weight<T> weight, float* first, float* second, const float* gradient,
                           AdamWFactors step, RoundingNoise noise) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (i >= weight.count) return;
  const Moments moments = update(weight, i, {first[i], second[i]}, gradient[i], step, noise);
  first[i] = moments.mean;
  second[i] = moments.squares;
}

// A moment's codes and scales.
struct Coded {
  std::uint8_t* codes;
  float* scales;
};

__device__ const MomentCodes device_signed_codes = signed_codes;
__device__ const MomentCodes device_unsigned_codes = unsigned_codes;

// The code of this thread's value among those of its block; also writes the block's scale.
__device__ std::uint8_t encode(float value, float* scale, const MomentCodes& book) {
  const float largest = block_max(fabsf(value));
  if (threadIdx.x == 0) *scale = largest;
  return moment_code(book, value / (largest > 0 ? largest : 1.0f));
}

// Each CUDA block takes every so many-th block of 256 elements; the code books stay in the nearest cache.
template <typename T>
__global__ void step_coded(Weight<T> weight, Coded first, Coded second, const float* gradient,
                           AdamWFactors step, RoundingNoise noise) {
  const std::int64_t blocks = (weight.count + moment_block - 1) / moment_block;
  for (std::int64_t b = blockIdx.x; b < blocks; b += gridDim.x) {
    const std::int64_t i = b * moment_block + threadIdx.x;
    const bool inside = i < weight.count;
    Moments moments{0.0f, 0.0f};
    if (inside) {
      moments = update(weight, i,
                       {first.scales[b] * device_signed_codes.values[first.codes[i]],
                        second.scales[b] * device_unsigned_codes.values[second.codes[i]]},
                       gradient[i], step, noise);
    }
    // The scales are written after a barrier within encode, when all have read them.
    const std::uint8_t mean = encode(moments.mean, &first.scales[b], device_signed_codes);
    const std::uint8_t squares = encode(moments.squares, &second.scales[b], device_unsigned_codes);
    if (inside) {
      first.codes[i] = mean;
      second.codes[i] = squares;
    }
  }
}

template <typename T>
Weight<T> weight_of(const Tensor& parameter, const Tensor& master) {
  return {parameter.mutable_data<T>(), mutable_data_or_null<float>(master), parameter.count()};
}

Coded coded(const Moment8& moment) {
  return {moment.codes.mutable_data<std::uint8_t>(), moment.scales.mutable_data<float>()};
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
  if (parameter.count() == 0) return;
  dispatch_real(parameter.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(step_plain<T><<<blocks_for(parameter.count(), threads), threads, 0, stream(ctx)>>>(
        weight_of<T>(parameter, master), first.mutable_data<float>(), second.mutable_data<float>(),
        gradient.data<float>(), adamw_factors(options), rounding_noise(options)));
  });
}

void adamw8_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Moment8& first,
                 const Moment8& second, const Tensor& gradient, const AdamWOptions& options) {
  if (parameter.count() == 0) return;
  constexpr unsigned most_blocks = 4096;
  const unsigned blocks = std::min(most_blocks, blocks_for(parameter.count(), moment_block));
  dispatch_real(parameter.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(step_coded<T><<<blocks, threads, 0, stream(ctx)>>>(
        weight_of<T>(parameter, master), coded(first), coded(second), gradient.data<float>(),
        adamw_factors(options), rounding_noise(options)));
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

#include <span>

#include "artemis/kernels/adamw_factors.h"
#include "artemis/kernels/cuda/elementwise.cuh"
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

using NoiseGroup = std::array<std::uint32_t, 4>;

// The random bits of element `within` of a group, which stays in registers.
__device__ std::uint32_t noise_bits(const NoiseGroup& bits, int within) {
  std::uint32_t pair = bits[0];
#pragma unroll
  for (int k = 1; k < 4; ++k) {
    if (within / 2 == k) pair = bits[k];
  }
  return (pair >> (16 * (within % 2))) & 0xffffu;
}

// A weight in f32 and its moments.
struct State {
  float weight;
  Moments moments;
};

__device__ State stepped(const State& before, float gradient, const AdamWFactors& step) {
  const float g = gradient * step.gradient_scale;
  const float mean = before.moments.mean + step.beta1_rest * (g - before.moments.mean);
  const float squares = step.beta2 * before.moments.squares + step.beta2_rest * g * g;
  const float denominator = sqrtf(squares) / step.root_second + step.eps;
  return {before.weight * step.decay - step.step_size * mean / denominator, {mean, squares}};
}

// n elements of a weight, as a step reads and writes them.
template <typename T, int n>
struct WeightPack {
  Pack<T, n> parameter;
  Pack<float, n> master;

  __device__ static WeightPack load_from(const Weight<T>& weight, std::int64_t i) {
    WeightPack pack;
    if (weight.master != nullptr) {
      pack.master = load_pack<n>(weight.master + i);
    } else {
      pack.parameter = load_pack<n>(weight.parameter + i);
#pragma unroll
      for (int k = 0; k < n; ++k) pack.master.values[k] = load(pack.parameter.values[k]);
    }
    return pack;
  }

  // Writes the new values in `master`.
  __device__ void store_to(const Weight<T>& weight, std::int64_t i, const RoundingNoise& noise) {
    if (weight.master != nullptr) {
      store_pack(weight.master + i, master);
#pragma unroll
      for (int k = 0; k < n; ++k) store(parameter.values[k], master.values[k]);
    } else if constexpr (std::is_same_v<T, bfloat16>) {
      static_assert(noise_group % n == 0);
      const NoiseGroup bits = noise.of_eight(static_cast<std::uint64_t>(i / noise_group));
#pragma unroll
      for (int k = 0; k < n; ++k) {
        const int within = static_cast<int>(i % noise_group) + k;
        parameter.values[k].bits =
            bfloat16_bits_stochastic(__float_as_uint(master.values[k]), noise_bits(bits, within));
      }
    }
    store_pack(weight.parameter + i, parameter);
  }
};

// A thread for each n elements; all arrays allow packs of n.
template <typename T, int n>
__global__ void __launch_bounds__(threads)
    step_plain(Weight<T> weight, float* first, float* second, const float* gradient, AdamWFactors step,
               RoundingNoise noise) {
  // The next kernel stays away: it may read weights before it waits.
  wait_for_previous();
  const std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x) * n;
  if (i >= weight.count) return;
  const Pack<float, n> g = load_pack<n>(gradient + i);
  Pack<float, n> mean = load_pack<n>(first + i);
  Pack<float, n> squares = load_pack<n>(second + i);
  auto pack = WeightPack<T, n>::load_from(weight, i);
#pragma unroll
  for (int k = 0; k < n; ++k) {
    const State next =
        stepped({pack.master.values[k], {mean.values[k], squares.values[k]}}, g.values[k], step);
    pack.master.values[k] = next.weight;
    mean.values[k] = next.moments.mean;
    squares.values[k] = next.moments.squares;
  }
  store_pack(first + i, mean);
  store_pack(second + i, squares);
  pack.store_to(weight, i, noise);
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
      auto pack = WeightPack<T, 1>::load_from(weight, i);
      const Moments before{first.scales[b] * device_signed_codes.values[first.codes[i]],
                           second.scales[b] * device_unsigned_codes.values[second.codes[i]]};
      const State next = stepped({pack.master.values[0], before}, gradient[i], step);
      moments = next.moments;
      pack.master.values[0] = next.weight;
      pack.store_to(weight, i, noise);
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

// The sum over a block of `threads`, for thread 0.
__device__ double block_total(double value) {
  __shared__ double partial[threads];
  partial[threadIdx.x] = value;
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  return threadIdx.x == 0 ? partial[0] : 0.0;
}

// Block b sums the squares of its piece, each thread every `threads`-th pack.
constexpr std::int64_t piece = 16384;

template <int n>
__global__ void __launch_bounds__(threads) squares(double* sums, const float* x, std::int64_t count) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * piece;
  const std::int64_t end = min(begin + piece, count);
  double sum = 0;
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x * n; i < end; i += threads * n) {
    const Pack<float, n> pack = load_pack<n>(x + i);
#pragma unroll
    for (int k = 0; k < n; ++k) sum += static_cast<double>(pack.values[k]) * pack.values[k];
  }
  sum = block_total(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// One block: sums[0] becomes the sum of all.
__global__ void __launch_bounds__(threads) add_up(double* sums, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += threads) sum += sums[i];
  sum = block_total(sum);
  if (threadIdx.x == 0) sums[0] = sum;
}

}  // namespace

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  const std::int64_t count = parameter.count();
  if (count == 0) return;
  constexpr int widest = noise_group;
  const bool fit = packs_fit(count, widest, parameter, first, second, gradient) &&
                   (!master || packs_fit(count, widest, master));
  dispatch_real(parameter.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest>(fit, [&](auto n) {
      launch_chained(ctx, step_plain<T, n()>, blocks_for(count, threads * n()), threads, 0,
                     weight_of<T>(parameter, master), first.mutable_data<float>(),
                     second.mutable_data<float>(), gradient.data<float>(), adamw_factors(options),
                     rounding_noise(options));
    });
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

double sum_of_squares(Context& ctx, std::span<const Tensor> tensors) {
  std::int64_t blocks = 0;
  for (const Tensor& x : tensors) blocks += blocks_for(x.count(), piece);
  if (blocks == 0) return 0;
  const Arena::Scope scope(ctx.arena());
  const Tensor sums = ctx.allocate(DType::i64, {blocks});  // memory for as many doubles
  auto* const first = reinterpret_cast<double*>(sums.mutable_raw());
  double* next = first;
  for (const Tensor& x : tensors) {
    const unsigned pieces = blocks_for(x.count(), piece);
    if (pieces == 0) continue;
    dispatch_pack<widest_pack<float>>(packs_fit(x.count(), widest_pack<float>, x), [&](auto n) {
      ARTEMIS_LAUNCH(squares<n()><<<pieces, threads, 0, stream(ctx)>>>(next, x.data<float>(), x.count()));
    });
    next += pieces;
  }
  ARTEMIS_LAUNCH(add_up<<<1, threads, 0, stream(ctx)>>>(first, blocks));
  double total = 0;
  ctx.copy(Tensor::wrap(&total, DType::i64, {1}, Device{}, nullptr, false), sums.rows(0, 1));
  return total;
}

}  // namespace artemis::cuda

#include <algorithm>

#include "artemis/kernels/cuda/elementwise.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Gradients of parameters are summed in two passes, so that their sums have one order: each chunk of rows by
// itself, then the chunks.
constexpr std::int64_t least_chunk = 32;
constexpr std::int64_t most_chunks = 256;
constexpr int column_threads = 64;

// Threads of the block of a row whose threads hold so many packs each.
constexpr int most_threads = 1024;
constexpr int row_limit(int held) { return held == 4 ? warp_size : most_threads; }

// How a block shares a row: each thread has `held` packs of n, a block's width apart, and keeps in registers
// what it reads of them; where `held` is 0 it has any number of packs and reads them again at each pass.
template <int n, int held>
struct Share {
  int width;

  // body(i, col) for the thread's pack number i, that begins at column col.
  template <typename Body>
  __device__ void each(Body body) const {
    const int step = static_cast<int>(blockDim.x) * n;
    const int first = static_cast<int>(threadIdx.x) * n;
    if constexpr (held == 0) {
      for (int col = first; col < width; col += step) body(0, col);
    } else {
#pragma unroll
      for (int i = 0; i < held; ++i) {
        if (first + i * step < width) body(i, first + i * step);
      }
    }
  }
};

// The thread's packs of one row.
template <typename T, int n, int held>
struct Kept {
  const T* row;
  Pack<T, n> packs[held];

  __device__ Kept(const T* from, const Share<n, held>& share) : row(from) {
    share.each([&](int i, int col) { packs[i] = load_pack<n>(row + col); });
  }
  __device__ Pack<T, n> at(int i, int) const { return packs[i]; }
};
template <typename T, int n>
struct Kept<T, n, 0> {
  const T* row;

  __device__ Kept(const T* from, const Share<n, 0>&) : row(from) {}
  __device__ Pack<T, n> at(int, int col) const { return load_pack<n>(row + col); }
};

// As Kept, of a row that may be null: zeros then.
template <typename T, int n, int held>
struct KeptOrZero {
  const T* row;
  Pack<T, n> packs[held] = {};

  __device__ KeptOrZero(const T* from, const Share<n, held>& share) : row(from) {
    if (from != nullptr) share.each([&](int i, int col) { packs[i] = load_pack<n>(row + col); });
  }
  __device__ Pack<T, n> at(int i, int) const { return packs[i]; }
};
template <typename T, int n>
struct KeptOrZero<T, n, 0> {
  const T* row;

  __device__ KeptOrZero(const T* from, const Share<n, 0>&) : row(from) {}
  __device__ Pack<T, n> at(int, int col) const {
    return row != nullptr ? load_pack<n>(row + col) : Pack<T, n>{};
  }
};

struct Two {
  float a, b;
};

// Both sums over a block of whole warps, the same in each thread.
__device__ Two block_sums(Two value) {
  const auto reduce = [](Two x) { return Two{warp_sum(x.a), warp_sum(x.b)}; };
  value = reduce(value);
  if (blockDim.x == warp_size) return value;
  __shared__ Two partial[max_warps];
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  if (lane == 0) partial[threadIdx.x / warp_size] = value;
  __syncthreads();
  return reduce(lane < static_cast<int>(blockDim.x) / warp_size ? partial[lane] : Two{0.0f, 0.0f});
}

// The sum of value(i, col, k) over the elements k of the thread's packs.
template <int n, int held, typename Value>
__device__ float thread_sum(const Share<n, held>& share, Value value) {
  float sum = 0;
  share.each([&](int i, int col) {
#pragma unroll
    for (int k = 0; k < n; ++k) sum += value(i, col, k);
  });
  return sum;
}

// Writes value(i, col, k) as element k of each of the thread's packs of a row.
template <typename T, int n, int held, typename Value>
__device__ void write_row(T* row, const Share<n, held>& share, Value value) {
  share.each([&](int i, int col) {
    Pack<T, n> pack;
#pragma unroll
    for (int k = 0; k < n; ++k) store(pack.values[k], value(i, col, k));
    store_pack(row + col, pack);
  });
}

// Nobody writes a weight within the kernels right before a norm, so that it may be read while these run.
template <typename T, int n, int held>
__global__ void __launch_bounds__(row_limit(held))
    rms_norm_row(Rows<T> out, float* rstd, Rows<const T> x, const T* weight, int width, float eps) {
  const Share<n, held> share{width};
  const Kept<T, n, held> factors(weight, share);
  let_next_start();
  wait_for_previous();
  const Kept<T, n, held> row(x[blockIdx.x], share);
  const auto value = [&](int i, int col, int k) { return load(row.at(i, col).values[k]); };
  const float squares = thread_sum(share, [&](int i, int col, int k) {
    const float v = value(i, col, k);
    return v * v;
  });
  const float scale = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(width) + eps);
  write_row(out[blockIdx.x], share, [&](int i, int col, int k) {
    return rounded<T>(value(i, col, k) * scale) * load(factors.at(i, col).values[k]);
  });
  if (rstd != nullptr && threadIdx.x == 0) rstd[blockIdx.x] = scale;
}

// With x^ = x rstd and g = d_out weight: d_x = residual + rstd (g - x^ mean(g x^)).
template <typename T, int n, int held>
__global__ void __launch_bounds__(row_limit(held))
    rms_norm_row_backward(Rows<T> d_x, Rows<const T> d_out, Rows<const T> x, const T* weight,
                          const float* rstd, Rows<const T> residual, int width) {
  wait_for_previous();
  let_next_start();
  const Share<n, held> share{width};
  const Kept<T, n, held> d(d_out[blockIdx.x], share);
  const Kept<T, n, held> row(x[blockIdx.x], share);
  const KeptOrZero<T, n, held> added(residual[blockIdx.x], share);
  const Kept<T, n, 0> factors(weight, {width});  // in the cache, and registers are few
  const float scale = rstd[blockIdx.x];
  const auto value = [&](int i, int col, int k) { return load(row.at(i, col).values[k]); };
  const auto gradient = [&](int i, int col, int k) {
    return load(d.at(i, col).values[k]) * load(factors.at(i, col).values[k]);
  };
  const float dot =
      thread_sum(share, [&](int i, int col, int k) { return gradient(i, col, k) * value(i, col, k); });
  const float mean = block_sum(dot) * scale / static_cast<float>(width);
  write_row(d_x[blockIdx.x], share, [&](int i, int col, int k) {
    return load(added.at(i, col).values[k]) + scale * (gradient(i, col, k) - value(i, col, k) * scale * mean);
  });
}

template <typename T, int n, int held>
__global__ void __launch_bounds__(row_limit(held))
    layer_norm_row(Rows<T> out, float* mean, float* rstd, Rows<const T> x, const T* weight, const T* bias,
                   int width, float eps) {
  // Where threads have many packs they are busy, and registers few: the weights are then read when needed.
  constexpr int kept = held == 4 ? 0 : held;
  const Share<n, kept> weights{width};
  const Kept<T, n, kept> factors(weight, weights);
  const Kept<T, n, kept> offsets(bias, weights);
  let_next_start();
  wait_for_previous();
  const Share<n, held> share{width};
  const Kept<T, n, held> row(x[blockIdx.x], share);
  const auto value = [&](int i, int col, int k) { return load(row.at(i, col).values[k]); };
  const float center = block_sum(thread_sum(share, value)) / static_cast<float>(width);
  const float squares = thread_sum(share, [&](int i, int col, int k) {
    const float v = value(i, col, k) - center;
    return v * v;
  });
  const float scale = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(width) + eps);
  write_row(out[blockIdx.x], share, [&](int i, int col, int k) {
    return (value(i, col, k) - center) * scale * load(factors.at(i, col).values[k]) +
           load(offsets.at(i, col).values[k]);
  });
  if (threadIdx.x != 0) return;
  if (mean != nullptr) mean[blockIdx.x] = center;
  if (rstd != nullptr) rstd[blockIdx.x] = scale;
}

// With x^ = (x - mean) rstd and g = d_out weight: d_x = residual + rstd (g - mean(g) - x^ mean(g x^)).
template <typename T, int n, int held>
__global__ void __launch_bounds__(row_limit(held))
    layer_norm_row_backward(Rows<T> d_x, Rows<const T> d_out, Rows<const T> x, const T* weight,
                            const float* mean, const float* rstd, Rows<const T> residual, int width) {
  wait_for_previous();
  let_next_start();
  const Share<n, held> share{width};
  const Kept<T, n, held> d(d_out[blockIdx.x], share);
  const Kept<T, n, held> row(x[blockIdx.x], share);
  const KeptOrZero<T, n, held> added(residual[blockIdx.x], share);
  const Kept<T, n, 0> factors(weight, {width});  // in the cache, and registers are few
  const float center = mean[blockIdx.x];
  const float scale = rstd[blockIdx.x];
  const auto normalised = [&](int i, int col, int k) {
    return (load(row.at(i, col).values[k]) - center) * scale;
  };
  const auto gradient = [&](int i, int col, int k) {
    return load(d.at(i, col).values[k]) * load(factors.at(i, col).values[k]);
  };
  const Two sums = block_sums({thread_sum(share, gradient), thread_sum(share, [&](int i, int col, int k) {
                                 return gradient(i, col, k) * normalised(i, col, k);
                               })});
  const float mean_g = sums.a / static_cast<float>(width);
  const float mean_gx = sums.b / static_cast<float>(width);
  write_row(d_x[blockIdx.x], share, [&](int i, int col, int k) {
    return load(added.at(i, col).values[k]) +
           scale * (gradient(i, col, k) - mean_g - normalised(i, col, k) * mean_gx);
  });
}

// A chunk's sums of d_out x^ and of d_out, a thread for each pack of columns: partial (chunks, 2, width). A
// null mean (RMSNorm) is 0.
template <typename T, int n>
__global__ void sum_chunk(float* partial, Rows<const T> d_out, Rows<const T> x, const float* mean,
                          const float* rstd, std::int64_t rows, std::int64_t width, std::int64_t chunk_rows) {
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.x) * column_threads + threadIdx.x) * n;
  if (column >= width) return;
  const std::int64_t begin = blockIdx.y * chunk_rows;
  const std::int64_t end = min(begin + chunk_rows, rows);
  float weight_sum[n] = {};
  float bias_sum[n] = {};
#pragma unroll 4
  for (std::int64_t i = begin; i < end; ++i) {
    const Pack<T, n> d = load_pack<n>(d_out[i] + column);
    const Pack<T, n> row = load_pack<n>(x[i] + column);
    const float center = mean != nullptr ? mean[i] : 0.0f;
    const float scale = rstd[i];
#pragma unroll
    for (int k = 0; k < n; ++k) {
      weight_sum[k] += load(d.values[k]) * ((load(row.values[k]) - center) * scale);
      bias_sum[k] += load(d.values[k]);
    }
  }
  float* sums = partial + 2 * blockIdx.y * width + column;
#pragma unroll
  for (int k = 0; k < n; ++k) {
    sums[k] = weight_sum[k];
    sums[width + k] = bias_sum[k];
  }
}

// d_weight and d_bias (either may be null) += the chunks' sums, in order.
__global__ void add_chunks(float* d_weight, float* d_bias, const float* partial, std::int64_t width,
                           std::int64_t chunks) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * column_threads + threadIdx.x;
  if (column >= width) return;
  float weight_sum = 0;
  float bias_sum = 0;
  for (std::int64_t c = 0; c < chunks; ++c) {
    weight_sum += partial[2 * c * width + column];
    bias_sum += partial[(2 * c + 1) * width + column];
  }
  if (d_weight != nullptr) d_weight[column] += weight_sum;
  if (d_bias != nullptr) d_bias[column] += bias_sum;
}

// Any of d_weight, d_bias and mean (RMSNorm) may be undefined.
template <typename T>
void parameter_gradients(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                         const Tensor& x, const Tensor& mean, const Tensor& rstd) {
  if (!d_weight && !d_bias) return;
  const std::int64_t rows = x.dim(0);
  const std::int64_t width = x.dim(1);
  const std::int64_t chunk_rows = std::max(least_chunk, (rows + most_chunks - 1) / most_chunks);
  const unsigned chunks = blocks_for(rows, chunk_rows);
  if (chunks == 0 || width == 0) return;
  const Arena::Scope scope(ctx.arena());
  const Tensor scratch = ctx.allocate(DType::f32, {chunks, 2, width});
  auto* partial = scratch.mutable_data<float>();
  dispatch_pack<widest_pack<T>>(packs_fit(width, widest_pack<T>, d_out, x), [&](auto n) {
    const dim3 grid(blocks_for(width, column_threads * n()), chunks);
    ARTEMIS_LAUNCH(sum_chunk<T, n()><<<grid, column_threads, 0, stream(ctx)>>>(
        partial, rows_of<T>(d_out), rows_of<T>(x), data_or_null<float>(mean), rstd.data<float>(), rows, width,
        chunk_rows));
  });
  ARTEMIS_LAUNCH(add_chunks<<<blocks_for(width, column_threads), column_threads, 0, stream(ctx)>>>(
      mutable_data_or_null<float>(d_weight), mutable_data_or_null<float>(d_bias), partial, width, chunks));
}

// The packs that each thread of a row's block holds: one where a large device runs the threads of all packs
// at once, for these to be done soon; else more, so that a narrow row needs but a warp and the memory is kept
// busy. 0 where they are too many. Where the number of rows may not matter they count as few: it decides the
// order of a row's sums.
int held_packs(Context& ctx, std::int64_t rows, std::int64_t packs) {
  constexpr std::int64_t threads_at_once = 1 << 17;
  const bool at_once = ctx.batch_invariant() || rows * packs <= threads_at_once;
  if (at_once && packs <= row_limit(1)) return 1;
  if (packs <= 4 * row_limit(4)) return 4;
  return packs <= 2 * row_limit(2) ? 2 : 0;
}

// body(element, n, held, threads) for the packs of rows like those of `first`, a matrix with rows; the
// vectors among `others` are as wide.
template <typename Body, typename... Others>
void dispatch_rows(Context& ctx, const Body& body, const Tensor& first, const Others&... others) {
  const std::int64_t width = first.dim(1);
  const auto threads = [&](std::int64_t packs) {
    const std::int64_t warps = blocks_for(packs, warp_size);
    return static_cast<unsigned>(std::clamp<std::int64_t>(warps * warp_size, warp_size, row_limit(0)));
  };
  dispatch_real(first.dtype(), [&]<typename T>(T element) {
    constexpr int n = widest_pack<T>;
    const std::int64_t packs = width / n;
    const int held = packs_fit(width, n, first, others...) ? held_packs(ctx, first.dim(0), packs) : 0;
    const auto with = [&]<int pack, int count>() {
      body(element, std::integral_constant<int, pack>{}, std::integral_constant<int, count>{},
           threads(count == 0 ? width : (packs + count - 1) / count));
    };
    switch (held) {
      case 1:
        return with.template operator()<n, 1>();
      case 2:
        return with.template operator()<n, 2>();
      case 4:
        return with.template operator()<n, 4>();
      default:
        return with.template operator()<1, 0>();
    }
  });
}

template <typename T>
Rows<const T> rows_or_null(const Tensor& tensor) {
  return tensor ? rows_of<T>(tensor) : Rows<const T>{};
}

unsigned row_blocks(const Tensor& x) { return static_cast<unsigned>(x.dim(0)); }
int row_width(const Tensor& x) { return static_cast<int>(x.dim(1)); }

}  // namespace

void rms_norm_forward(Context& ctx, const Tensor& out, const Tensor& rstd, const Tensor& x,
                      const Tensor& weight, float eps) {
  if (x.dim(0) == 0) return;
  const auto launch = [&]<typename T, typename N, typename Held>(T, N, Held, unsigned threads) {
    launch_chained(ctx, rms_norm_row<T, N::value, Held::value>, row_blocks(x), threads, 0,
                   mutable_rows_of<T>(out), mutable_data_or_null<float>(rstd), rows_of<T>(x),
                   weight.data<T>(), row_width(x), eps);
  };
  dispatch_rows(ctx, launch, x, out, weight);
}

void rms_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_out,
                       const Tensor& x, const Tensor& weight, const Tensor& rstd, const Tensor& residual) {
  if (x.dim(0) == 0) return;
  const auto launch = [&]<typename T, typename N, typename Held>(T, N, Held, unsigned threads) {
    // First, since d_x may overwrite d_out.
    parameter_gradients<T>(ctx, d_weight, Tensor(), d_out, x, Tensor(), rstd);
    launch_chained(ctx, rms_norm_row_backward<T, N::value, Held::value>, row_blocks(x), threads, 0,
                   mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x), weight.data<T>(),
                   rstd.data<float>(), rows_or_null<T>(residual), row_width(x));
  };
  dispatch_rows(ctx, launch, x, d_x, d_out, weight, residual);
}

void layer_norm_forward(Context& ctx, const Tensor& out, const Tensor& mean, const Tensor& rstd,
                        const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  if (x.dim(0) == 0) return;
  const auto launch = [&]<typename T, typename N, typename Held>(T, N, Held, unsigned threads) {
    launch_chained(ctx, layer_norm_row<T, N::value, Held::value>, row_blocks(x), threads, 0,
                   mutable_rows_of<T>(out), mutable_data_or_null<float>(mean),
                   mutable_data_or_null<float>(rstd), rows_of<T>(x), weight.data<T>(), bias.data<T>(),
                   row_width(x), eps);
  };
  dispatch_rows(ctx, launch, x, out, weight, bias);
}

void layer_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_bias,
                         const Tensor& d_out, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd, const Tensor& residual) {
  if (x.dim(0) == 0) return;
  const auto launch = [&]<typename T, typename N, typename Held>(T, N, Held, unsigned threads) {
    // First, since d_x may overwrite d_out.
    parameter_gradients<T>(ctx, d_weight, d_bias, d_out, x, mean, rstd);
    launch_chained(ctx, layer_norm_row_backward<T, N::value, Held::value>, row_blocks(x), threads, 0,
                   mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x), weight.data<T>(),
                   mean.data<float>(), rstd.data<float>(), rows_or_null<T>(residual), row_width(x));
  };
  dispatch_rows(ctx, launch, x, d_x, d_out, weight, residual);
}

}  // namespace artemis::cuda

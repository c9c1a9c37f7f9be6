#include <algorithm>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Gradients of parameters are summed in two passes, so that their sums have one order: each chunk of rows by
// itself, then the chunks.
constexpr std::int64_t least_chunk = 32;
constexpr std::int64_t most_chunks = 128;
constexpr int column_threads = 128;

struct Statistics {
  float mean;
  float rstd;
};

// body(i) for the columns of the row that belong to this thread.
template <typename Body>
__device__ void for_columns(std::int64_t width, Body body) {
  for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) body(i);
}

// The sum of value(i) over the columns of a row, by the whole block.
template <typename Value>
__device__ float sum_columns(std::int64_t width, Value value) {
  float sum = 0;
  for_columns(width, [&](std::int64_t i) { sum += value(i); });
  return block_sum(sum);
}

template <typename T>
__global__ void rms_norm_row(Rows<T> out, float* rstd, Rows<const T> x, const T* weight, std::int64_t width,
                             float eps) {
  const T* from = x[blockIdx.x];
  T* to = out[blockIdx.x];
  const float squares = sum_columns(width, [&](std::int64_t i) { return load(from[i]) * load(from[i]); });
  const float scale = 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
  for_columns(width,
              [&](std::int64_t i) { store(to[i], rounded<T>(load(from[i]) * scale) * load(weight[i])); });
  if (rstd != nullptr && threadIdx.x == 0) rstd[blockIdx.x] = scale;
}

// With x^ = x rstd and g = d_out weight: d_x = rstd (g - x^ mean(g x^)).
template <typename T>
__global__ void rms_norm_row_backward(Rows<T> d_x, Rows<const T> d_out, Rows<const T> x, const T* weight,
                                      const float* rstd, std::int64_t width) {
  const T* d = d_out[blockIdx.x];
  const T* from = x[blockIdx.x];
  T* to = d_x[blockIdx.x];
  const float scale = rstd[blockIdx.x];
  const float dot =
      sum_columns(width, [&](std::int64_t i) { return load(d[i]) * load(weight[i]) * load(from[i]); });
  const float mean = dot * scale / static_cast<float>(width);
  for_columns(width, [&](std::int64_t i) {
    store(to[i], scale * (load(d[i]) * load(weight[i]) - load(from[i]) * scale * mean));
  });
}

template <typename T>
__global__ void layer_norm_row(Rows<T> out, float* mean, float* rstd, Rows<const T> x, const T* weight,
                               const T* bias, std::int64_t width, float eps) {
  const T* from = x[blockIdx.x];
  T* to = out[blockIdx.x];
  const float center =
      sum_columns(width, [&](std::int64_t i) { return load(from[i]); }) / static_cast<float>(width);
  const float squares =
      sum_columns(width, [&](std::int64_t i) { return (load(from[i]) - center) * (load(from[i]) - center); });
  const float scale = 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
  for_columns(width, [&](std::int64_t i) {
    store(to[i], (load(from[i]) - center) * scale * load(weight[i]) + load(bias[i]));
  });
  if (threadIdx.x != 0) return;
  if (mean != nullptr) mean[blockIdx.x] = center;
  if (rstd != nullptr) rstd[blockIdx.x] = scale;
}

// With x^ = (x - mean) rstd and g = d_out weight: d_x = rstd (g - mean(g) - x^ mean(g x^)).
template <typename T>
__global__ void layer_norm_row_backward(Rows<T> d_x, Rows<const T> d_out, Rows<const T> x, const T* weight,
                                        const float* mean, const float* rstd, std::int64_t width) {
  const T* d = d_out[blockIdx.x];
  const T* from = x[blockIdx.x];
  T* to = d_x[blockIdx.x];
  const Statistics s = {mean[blockIdx.x], rstd[blockIdx.x]};
  const auto gradient = [&](std::int64_t i) { return load(d[i]) * load(weight[i]); };
  const auto normalised = [&](std::int64_t i) { return (load(from[i]) - s.mean) * s.rstd; };
  const float mean_g = sum_columns(width, gradient) / static_cast<float>(width);
  const float mean_gx = sum_columns(width, [&](std::int64_t i) { return gradient(i) * normalised(i); }) /
                        static_cast<float>(width);
  for_columns(width, [&](std::int64_t i) {
    store(to[i], s.rstd * (gradient(i) - mean_g - normalised(i) * mean_gx));
  });
}

// A chunk's sums of d_out x^ and of d_out, a thread for each column: partial (chunks, 2, width). A null mean
// (RMSNorm) is 0.
template <typename T>
__global__ void sum_chunk(float* partial, Rows<const T> d_out, Rows<const T> x, const float* mean,
                          const float* rstd, std::int64_t rows, std::int64_t width, std::int64_t chunk_rows) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * column_threads + threadIdx.x;
  if (column >= width) return;
  const std::int64_t begin = blockIdx.y * chunk_rows;
  const std::int64_t end = min(begin + chunk_rows, rows);
  float weight_sum = 0;
  float bias_sum = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    const float d = load(d_out[i][column]);
    const float center = mean != nullptr ? mean[i] : 0.0f;
    weight_sum += d * ((load(x[i][column]) - center) * rstd[i]);
    bias_sum += d;
  }
  float* sums = partial + 2 * blockIdx.y * width + column;
  sums[0] = weight_sum;
  sums[width] = bias_sum;
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
  const unsigned columns = blocks_for(width, column_threads);
  if (chunks == 0 || columns == 0) return;
  const Arena::Scope scope(ctx.arena());
  const Tensor scratch = ctx.allocate(DType::f32, {chunks, 2, width});
  auto* partial = scratch.mutable_data<float>();
  ARTEMIS_LAUNCH(sum_chunk<T><<<dim3(columns, chunks), column_threads, 0, stream(ctx)>>>(
      partial, rows_of<T>(d_out), rows_of<T>(x), data_or_null<float>(mean), rstd.data<float>(), rows, width,
      chunk_rows));
  ARTEMIS_LAUNCH(add_chunks<<<columns, column_threads, 0, stream(ctx)>>>(
      mutable_data_or_null<float>(d_weight), mutable_data_or_null<float>(d_bias), partial, width, chunks));
}

// A block for each row, of so many threads that each has a few columns.
unsigned row_threads(const Tensor& x) {
  constexpr std::int64_t columns_each = 4;
  constexpr std::int64_t most = 512;
  const std::int64_t warps = blocks_for(x.dim(1), columns_each * warp_size);
  return static_cast<unsigned>(std::clamp<std::int64_t>(warps * warp_size, warp_size, most));
}

unsigned row_blocks(const Tensor& x) { return static_cast<unsigned>(x.dim(0)); }

}  // namespace

void rms_norm_forward(Context& ctx, const Tensor& out, const Tensor& rstd, const Tensor& x,
                      const Tensor& weight, float eps) {
  if (x.dim(0) == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(rms_norm_row<T><<<row_blocks(x), row_threads(x), 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), mutable_data_or_null<float>(rstd), rows_of<T>(x), weight.data<T>(), x.dim(1),
        eps));
  });
}

void rms_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_out,
                       const Tensor& x, const Tensor& weight, const Tensor& rstd) {
  if (x.dim(0) == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    // First, since d_x may overwrite d_out.
    parameter_gradients<T>(ctx, d_weight, Tensor(), d_out, x, Tensor(), rstd);
    ARTEMIS_LAUNCH(rms_norm_row_backward<T><<<row_blocks(x), row_threads(x), 0, stream(ctx)>>>(
        mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x), weight.data<T>(), rstd.data<float>(),
        x.dim(1)));
  });
}

void layer_norm_forward(Context& ctx, const Tensor& out, const Tensor& mean, const Tensor& rstd,
                        const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  if (x.dim(0) == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(layer_norm_row<T><<<row_blocks(x), row_threads(x), 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), mutable_data_or_null<float>(mean), mutable_data_or_null<float>(rstd),
        rows_of<T>(x), weight.data<T>(), bias.data<T>(), x.dim(1), eps));
  });
}

void layer_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_bias,
                         const Tensor& d_out, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd) {
  if (x.dim(0) == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    // First, since d_x may overwrite d_out.
    parameter_gradients<T>(ctx, d_weight, d_bias, d_out, x, mean, rstd);
    ARTEMIS_LAUNCH(layer_norm_row_backward<T><<<row_blocks(x), row_threads(x), 0, stream(ctx)>>>(
        mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x), weight.data<T>(), mean.data<float>(),
        rstd.data<float>(), x.dim(1)));
  });
}

}  // namespace artemis::cuda

#include <cuda_fp16.h>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

__device__ float load(float16 value) { return __half2float(__ushort_as_half(value.bits)); }
__device__ void store(float16& target, float value) {
  target.bits = __half_as_ushort(__float2half_rn(value));
}
using cuda::load;
using cuda::store;

// A tensor of any rank as rows: rank 0 and 1 are one row.
struct Extents {
  std::int64_t rows, cols;

  std::int64_t count() const { return rows * cols; }
};
Extents extents_of(const Tensor& tensor) {
  if (tensor.shape().rank() < 2) return {1, tensor.count()};
  return {tensor.dim(0), tensor.row_size()};
}

struct Element {
  std::int64_t row, col;
  bool inside;
};
__device__ Element element_of_thread(Extents extents) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  return {index / extents.cols, index % extents.cols, index < extents.rows * extents.cols};
}

unsigned blocks_over(Extents extents) { return blocks_for(extents.count(), threads); }

template <typename T>
__global__ void gather(Rows<T> out, Rows<const T> table, const std::int32_t* index, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) out[row][col] = table[index[row]][col];
}

template <typename T>
__global__ void scatter(Rows<T> out, Rows<const T> rows, const std::int32_t* index, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) out[index[row]][col] = rows[row][col];
}

// Which rows go where: entry e stands for row e / taps, that weighs weight[e / taps][e % taps] (1 when there
// are no weights) and goes to index[e / taps][e % taps].
struct Entries {
  Rows<const std::int32_t> index;
  Rows<const float> weight;
  std::int64_t count, taps;

  __device__ std::int32_t target(std::int64_t e) const { return index[e / taps][e % taps]; }
  __device__ float weight_of(std::int64_t e) const {
    return weight.data == nullptr ? 1.0f : weight[e / taps][e % taps];
  }
};

// A block for each entry: the first entry of each target adds all of that target's, in their order; the
// blocks of the others have nothing to do. So no two blocks write one row, and the result is always the same.
template <typename T>
__global__ void scatter_add(Rows<float> table, Rows<const T> rows, Entries entries, std::int64_t width) {
  __shared__ bool matches[threads];
  const auto first = static_cast<std::int64_t>(blockIdx.x);
  const std::int32_t target = entries.target(first);
  for (std::int64_t begin = 0; begin < first; begin += threads) {
    const std::int64_t e = begin + threadIdx.x;
    if (__syncthreads_or(e < first && entries.target(e) == target) != 0) return;
  }
  for (std::int64_t begin = first; begin < entries.count; begin += threads) {
    const std::int64_t e = begin + threadIdx.x;
    matches[threadIdx.x] = e < entries.count && entries.target(e) == target;
    if (__syncthreads_or(matches[threadIdx.x]) != 0) {
      for (std::int64_t col = threadIdx.x; col < width; col += threads) {
        float sum = table[target][col];
        for (int i = 0; i < threads; ++i) {
          if (matches[i]) sum += entries.weight_of(begin + i) * load(rows[(begin + i) / entries.taps][col]);
        }
        table[target][col] = sum;
      }
    }
    __syncthreads();
  }
}

void add_entries(Context& ctx, const Tensor& table, const Tensor& rows, const Entries& entries) {
  if (entries.count == 0 || rows.dim(1) == 0) return;
  dispatch_real(rows.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(scatter_add<T><<<blocks_for(entries.count, 1), threads, 0, stream(ctx)>>>(
        mutable_rows_of<float>(table), rows_of<T>(rows), entries, rows.dim(1)));
  });
}

template <typename T>
__global__ void interpolate(Rows<T> out, Rows<const T> table, Rows<const std::int32_t> index,
                            Rows<const float> weight, std::int64_t taps, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (!inside) return;
  float sum = 0;
  for (std::int64_t tap = 0; tap < taps; ++tap) sum += weight[row][tap] * load(table[index[row][tap]][col]);
  store(out[row][col], sum);
}

template <typename T>
__global__ void add_elements(Rows<T> out, Rows<const T> a, Rows<const T> b, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) store(out[row][col], load(a[row][col]) + load(b[row][col]));
}

template <typename T>
__global__ void multiply_elements(Rows<T> x, float factor, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) store(x[row][col], factor * load(x[row][col]));
}

template <typename Out, typename In>
__global__ void convert_elements(Rows<Out> out, Rows<const In> x, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) store(out[row][col], load(x[row][col]));
}

template <typename T>
__global__ void fill_elements(Rows<T> out, float value, Extents extents) {
  const auto [row, col, inside] = element_of_thread(extents);
  if (inside) store(out[row][col], value);
}

// As dispatch_real, with f16.
template <typename Body>
void dispatch_floating(DType dtype, const Body& body) {
  if (dtype == DType::f16) return body(float16{});
  dispatch_real(dtype, body);
}

// Calls body with a value of an unsigned type of the dtype's size, for elements that are only moved.
template <typename Body>
void dispatch_size(DType dtype, const Body& body) {
  switch (dtype_size(dtype)) {
    case 1:
      return body(std::uint8_t{});
    case 2:
      return body(std::uint16_t{});
    case 4:
      return body(std::uint32_t{});
    case 8:
      return body(std::uint64_t{});
    default:
      ARTEMIS_ASSERT(false);
  }
}

template <typename T>
Rows<const T> moved_rows(const Tensor& tensor) {
  return {reinterpret_cast<const T*>(tensor.raw()), tensor.row_stride()};
}
template <typename T>
Rows<T> mutable_moved_rows(const Tensor& tensor) {
  return {reinterpret_cast<T*>(tensor.mutable_raw()), tensor.row_stride()};
}

// Of two candidates the larger value, and of equal values the lower column; column -1 stands for none.
__device__ void take_larger(float& value, int& column, float other, int other_column) {
  if (other_column < 0) return;
  const bool better = column < 0 || other > value || (other == value && other_column < column);
  value = better ? other : value;
  column = better ? other_column : column;
}

// A block for each row.
constexpr int argmax_threads = 1024;

template <typename T>
__global__ void __launch_bounds__(argmax_threads)
    argmax_row(std::int32_t* index, Rows<const T> x, std::int64_t cols) {
  __shared__ float values[max_warps];
  __shared__ int columns[max_warps];
  float value = 0;
  int column = -1;
  for (std::int64_t c = threadIdx.x; c < cols; c += argmax_threads) {
    const float other = load(x[blockIdx.x][c]);
    if (!isnan(other)) take_larger(value, column, other, static_cast<int>(c));
  }
  const auto reduce = [&] {
    for (int step = warp_size / 2; step > 0; step /= 2) {
      const float other = __shfl_xor_sync(all_lanes, value, step);
      take_larger(value, column, other, __shfl_xor_sync(all_lanes, column, step));
    }
  };
  reduce();
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  if (lane == 0) {
    values[warp] = value;
    columns[warp] = column;
  }
  __syncthreads();
  if (warp != 0) return;
  value = values[lane];
  column = columns[lane];
  reduce();
  if (lane == 0) index[blockIdx.x] = column;
}

}  // namespace

void gather_rows(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index) {
  const Extents extents = extents_of(out);
  if (extents.count() == 0) return;
  dispatch_size(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(gather<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_moved_rows<T>(out), moved_rows<T>(table), index.data<std::int32_t>(), extents));
  });
}

void scatter_rows(Context& ctx, const Tensor& out, const Tensor& rows, const Tensor& index) {
  const Extents extents = extents_of(rows);
  if (extents.count() == 0) return;
  dispatch_size(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(scatter<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_moved_rows<T>(out), moved_rows<T>(rows), index.data<std::int32_t>(), extents));
  });
}

void scatter_add_rows(Context& ctx, const Tensor& table, const Tensor& rows, const Tensor& index) {
  add_entries(ctx, table, rows,
              {.index = rows_of<std::int32_t>(index), .weight = {}, .count = index.dim(0), .taps = 1});
}

void interpolate_rows_forward(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index,
                              const Tensor& weight) {
  const Extents extents = extents_of(out);
  if (extents.count() == 0) return;
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(interpolate<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), rows_of<T>(table), rows_of<std::int32_t>(index), rows_of<float>(weight),
        index.dim(1), extents));
  });
}

void interpolate_rows_backward(Context& ctx, const Tensor& d_table, const Tensor& d_out, const Tensor& index,
                               const Tensor& weight) {
  add_entries(ctx, d_table, d_out,
              {.index = rows_of<std::int32_t>(index),
               .weight = rows_of<float>(weight),
               .count = index.count(),
               .taps = index.dim(1)});
}

void add(Context& ctx, const Tensor& out, const Tensor& a, const Tensor& b) {
  const Extents extents = extents_of(out);
  if (extents.count() == 0) return;
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(add_elements<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), rows_of<T>(a), rows_of<T>(b), extents));
  });
}

void argmax_rows(Context& ctx, const Tensor& index, const Tensor& x) {
  if (x.dim(0) == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(argmax_row<T><<<static_cast<unsigned>(x.dim(0)), argmax_threads, 0, stream(ctx)>>>(
        index.mutable_data<std::int32_t>(), rows_of<T>(x), x.dim(1)));
  });
}

void multiply(Context& ctx, const Tensor& x, float factor) {
  const Extents extents = extents_of(x);
  if (extents.count() == 0) return;
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    ARTEMIS_LAUNCH(multiply_elements<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(x), factor, extents));
  });
}

void convert(Context& ctx, const Tensor& out, const Tensor& x) {
  const Extents extents = extents_of(out);
  if (extents.count() == 0) return;
  if (out.dtype() == x.dtype()) return ctx.copy(out, x);
  dispatch_floating(out.dtype(), [&]<typename Out>(Out) {
    dispatch_floating(x.dtype(), [&]<typename In>(In) {
      ARTEMIS_LAUNCH(convert_elements<Out, In><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
          mutable_rows_of<Out>(out), rows_of<In>(x), extents));
    });
  });
}

void fill(Context& ctx, const Tensor& out, float value) {
  const Extents extents = extents_of(out);
  if (extents.count() == 0) return;
  dispatch_floating(out.dtype(), [&]<typename T>(T) {
    ARTEMIS_LAUNCH(fill_elements<T><<<blocks_over(extents), threads, 0, stream(ctx)>>>(
        mutable_rows_of<T>(out), value, extents));
  });
}

}  // namespace artemis::cuda

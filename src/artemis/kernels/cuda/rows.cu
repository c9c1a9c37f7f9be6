#include <cuda_fp16.h>

#include "artemis/kernels/cuda/elementwise.cuh"
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

// Elements that are only moved, of any type.
template <typename T>
struct Gather {
  Rows<T> out;
  Rows<const T> table;
  const std::int32_t* index;

  __device__ T take(std::int64_t row, std::int64_t col) const { return table[index[row]][col]; }
  __device__ void finish(std::int64_t row, std::int64_t col, T taken) const { out[row][col] = taken; }
};

template <typename T>
struct Scatter {
  Rows<T> out;
  Rows<const T> rows;
  const std::int32_t* index;

  __device__ T take(std::int64_t row, std::int64_t col) const { return rows[row][col]; }
  __device__ void finish(std::int64_t row, std::int64_t col, T taken) const { out[index[row]][col] = taken; }
};

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

template <typename T, int n>
struct Interpolate {
  Rows<T> out;
  Rows<const T> table;
  Rows<const std::int32_t> index;
  Rows<const float> weight;
  int taps;

  __device__ Pack<T, n> take(std::int64_t row, std::int64_t col) const {
    float sums[n] = {};
#pragma unroll 4
    for (int tap = 0; tap < taps; ++tap) {
      const float share = weight[row][tap];
      const Pack<T, n> pack = load_pack<n>(table[index[row][tap]] + col);
#pragma unroll
      for (int i = 0; i < n; ++i) sums[i] += share * load(pack.values[i]);
    }
    Pack<T, n> sum;
#pragma unroll
    for (int i = 0; i < n; ++i) store(sum.values[i], sums[i]);
    return sum;
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Pack<T, n> taken) const {
    store_pack(out[row] + col, taken);
  }
};

template <typename T, int n>
struct Add {
  Rows<T> out;
  Rows<const T> a, b;

  struct Taken {
    Pack<T, n> a, b;
  };
  __device__ Taken take(std::int64_t row, std::int64_t col) const {
    return {load_pack<n>(a[row] + col), load_pack<n>(b[row] + col)};
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Taken taken) const {
#pragma unroll
    for (int i = 0; i < n; ++i) store(taken.a.values[i], load(taken.a.values[i]) + load(taken.b.values[i]));
    store_pack(out[row] + col, taken.a);
  }
};

template <typename T, int n>
struct Multiply {
  Rows<T> x;
  float factor;

  __device__ Pack<T, n> take(std::int64_t row, std::int64_t col) const { return load_pack<n>(x[row] + col); }
  __device__ void finish(std::int64_t row, std::int64_t col, Pack<T, n> taken) const {
#pragma unroll
    for (T& value : taken.values) store(value, factor * load(value));
    store_pack(x[row] + col, taken);
  }
};

template <typename Out, typename In, int n>
struct Convert {
  Rows<Out> out;
  Rows<const In> x;

  __device__ Pack<In, n> take(std::int64_t row, std::int64_t col) const { return load_pack<n>(x[row] + col); }
  __device__ void finish(std::int64_t row, std::int64_t col, Pack<In, n> taken) const {
    Pack<Out, n> converted;
#pragma unroll
    for (int i = 0; i < n; ++i) store(converted.values[i], load(taken.values[i]));
    store_pack(out[row] + col, converted);
  }
};

template <typename T, int n>
struct Fill {
  Rows<T> out;
  float value;

  struct Nothing {};
  __device__ Nothing take(std::int64_t, std::int64_t) const { return {}; }
  __device__ void finish(std::int64_t row, std::int64_t col, Nothing) const {
    Pack<T, n> pack;
#pragma unroll
    for (T& element : pack.values) store(element, value);
    store_pack(out[row] + col, pack);
  }
};

// As dispatch_real, with f16.
template <typename Body>
void dispatch_floating(DType dtype, const Body& body) {
  if (dtype == DType::f16) return body(float16{});
  dispatch_real(dtype, body);
}

// body(unit, extents) for elements that are only moved: the widest unit that all the tensors allow, and how
// many there are in the rows of the first.
template <typename Body, typename... Others>
void dispatch_unit(const Body& body, const Tensor& first, const Others&... others) {
  const auto size = static_cast<int>(dtype_size(first.dtype()));
  const Extents extents = extents_of(first);
  if (const int n = access_bytes / size; packs_fit(extents.cols, n, first, others...)) {
    return body(uint4{}, Extents{extents.rows, extents.cols / n});
  }
  switch (size) {
    case 1:
      return body(std::uint8_t{}, extents);
    case 2:
      return body(std::uint16_t{}, extents);
    case 4:
      return body(std::uint32_t{}, extents);
    case 8:
      return body(std::uint64_t{}, extents);
    default:
      ARTEMIS_ASSERT(false);
  }
}

// The rows of a tensor in units of T.
template <typename T>
Rows<const T> units_of(const Tensor& tensor) {
  const auto stride = tensor.row_stride() * static_cast<std::int64_t>(dtype_size(tensor.dtype()));
  return {reinterpret_cast<const T*>(tensor.raw()), stride / static_cast<std::int64_t>(sizeof(T))};
}
template <typename T>
Rows<T> mutable_units_of(const Tensor& tensor) {
  return {reinterpret_cast<T*>(tensor.mutable_raw()), units_of<T>(tensor).stride};
}

// An element that may be the largest of its row; column -1 stands for none.
struct alignas(8) Candidate {
  float value;
  std::int32_t column;
};
__device__ Candidate no_candidate() { return {0.0f, -1}; }

// Of two the larger value, and of equal values the lower column, whichever comes first.
__device__ Candidate larger(Candidate a, Candidate b) {
  if (b.column < 0) return a;
  const bool better = a.column < 0 || b.value > a.value || (b.value == a.value && b.column < a.column);
  return better ? b : a;
}

__device__ Candidate warp_largest(Candidate best) {
  for (int step = warp_size / 2; step > 0; step /= 2) {
    best = larger(
        best, {__shfl_xor_sync(all_lanes, best.value, step), __shfl_xor_sync(all_lanes, best.column, step)});
  }
  return best;
}

// A row is shared by so many blocks at most, each of which leaves a candidate (rows, parts).
constexpr int most_parts = 128;

// The block (row, part) takes each gridDim.y-th run of the row's packs.
template <typename T, int n>
__global__ void __launch_bounds__(threads) argmax_part(Candidate* found, Rows<const T> x, int cols) {
  constexpr int warps = threads / warp_size;
  __shared__ Candidate of_warps[warps];
  let_next_start();
  wait_for_previous();
  const T* row = x[blockIdx.x];
  const int part = static_cast<int>(blockIdx.y);
  const int parts = static_cast<int>(gridDim.y);
  Candidate best = no_candidate();
#pragma unroll 4
  for (int c = (part * threads + static_cast<int>(threadIdx.x)) * n; c < cols; c += parts * threads * n) {
    const Pack<T, n> pack = load_pack<n>(row + c);
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float value = load(pack.values[i]);
      if (!isnan(value)) best = larger(best, {value, c + i});
    }
  }
  best = warp_largest(best);
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  if (lane == 0) of_warps[warp] = best;
  __syncthreads();
  if (warp != 0) return;
  best = warp_largest(lane < warps ? of_warps[lane] : no_candidate());
  if (lane == 0) found[static_cast<std::int64_t>(blockIdx.x) * parts + part] = best;
}

// A warp for each row.
__global__ void __launch_bounds__(warp_size)
    argmax_of_parts(std::int32_t* index, const Candidate* found, int parts) {
  let_next_start();
  wait_for_previous();
  const Candidate* of_row = found + static_cast<std::int64_t>(blockIdx.x) * parts;
  Candidate candidates[most_parts / warp_size];
#pragma unroll
  for (int i = 0; i < most_parts / warp_size; ++i) {
    const int part = i * warp_size + static_cast<int>(threadIdx.x);
    candidates[i] = part < parts ? of_row[part] : no_candidate();
  }
  Candidate best = no_candidate();
#pragma unroll
  for (const Candidate& candidate : candidates) best = larger(best, candidate);
  best = warp_largest(best);
  if (threadIdx.x == 0) index[blockIdx.x] = best.column;
}

}  // namespace

void gather_rows(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index) {
  const auto launch = [&]<typename T>(T, Extents extents) {
    launch_each_pack<1>(
        ctx, Gather<T>{mutable_units_of<T>(out), units_of<T>(table), index.data<std::int32_t>()}, extents);
  };
  dispatch_unit(launch, out, table);
}

void scatter_rows(Context& ctx, const Tensor& out, const Tensor& rows, const Tensor& index) {
  const auto launch = [&]<typename T>(T, Extents extents) {
    launch_each_pack<1>(
        ctx, Scatter<T>{mutable_units_of<T>(out), units_of<T>(rows), index.data<std::int32_t>()}, extents);
  };
  dispatch_unit(launch, rows, out);
}

void scatter_add_rows(Context& ctx, const Tensor& table, const Tensor& rows, const Tensor& index) {
  add_entries(ctx, table, rows,
              {.index = rows_of<std::int32_t>(index), .weight = {}, .count = index.dim(0), .taps = 1});
}

void interpolate_rows_forward(Context& ctx, const Tensor& out, const Tensor& table, const Tensor& index,
                              const Tensor& weight) {
  const Extents extents = extents_of(out);
  dispatch_real(out.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(extents.cols, widest_pack<T>, out, table), [&](auto n) {
      launch_each_pack<n()>(
          ctx,
          Interpolate<T, n()>{mutable_rows_of<T>(out), rows_of<T>(table), rows_of<std::int32_t>(index),
                              rows_of<float>(weight), static_cast<int>(index.dim(1))},
          extents);
    });
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
  const Extents extents = joint_extents(out, a, b);
  dispatch_real(out.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(extents.cols, widest_pack<T>, out, a, b), [&](auto n) {
      launch_each_pack<n()>(ctx, Add<T, n()>{mutable_rows_of<T>(out), rows_of<T>(a), rows_of<T>(b)}, extents);
    });
  });
}

void argmax_rows(Context& ctx, const Tensor& index, const Tensor& x) {
  const std::int64_t rows = x.dim(0);
  const std::int64_t cols = x.dim(1);
  if (rows == 0) return;
  const Arena::Scope scope(ctx.arena());
  dispatch_real(x.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(cols, widest_pack<T>, x), [&](auto n) {
      const auto parts =
          std::clamp(static_cast<int>(blocks_for(cols, std::int64_t{threads} * n())), 1, most_parts);
      const Tensor scratch = ctx.allocate(DType::i64, {rows, parts});
      auto* found = reinterpret_cast<Candidate*>(scratch.mutable_data<std::int64_t>());
      const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>(parts));
      launch_chained(ctx, argmax_part<T, n()>, grid, threads, 0, found, rows_of<T>(x),
                     static_cast<int>(cols));
      launch_chained(ctx, argmax_of_parts, grid.x, warp_size, 0, index.mutable_data<std::int32_t>(), found,
                     parts);
    });
  });
}

void multiply(Context& ctx, const Tensor& x, float factor) {
  const Extents extents = joint_extents(x);
  dispatch_real(x.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(extents.cols, widest_pack<T>, x), [&](auto n) {
      launch_each_pack<n()>(ctx, Multiply<T, n()>{mutable_rows_of<T>(x), factor}, extents);
    });
  });
}

void convert(Context& ctx, const Tensor& out, const Tensor& x) {
  if (out.count() == 0) return;
  if (out.dtype() == x.dtype()) return ctx.copy(out, x);
  const Extents extents = joint_extents(out, x);
  dispatch_floating(out.dtype(), [&]<typename Out>(Out) {
    dispatch_floating(x.dtype(), [&]<typename In>(In) {
      constexpr int widest = std::max(widest_pack<Out>, widest_pack<In>);
      dispatch_pack<widest>(packs_fit(extents.cols, widest, out, x), [&](auto n) {
        launch_each_pack<n()>(ctx, Convert<Out, In, n()>{mutable_rows_of<Out>(out), rows_of<In>(x)}, extents);
      });
    });
  });
}

void fill(Context& ctx, const Tensor& out, float value) {
  const Extents extents = joint_extents(out);
  dispatch_floating(out.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(packs_fit(extents.cols, widest_pack<T>, out), [&](auto n) {
      launch_each_pack<n()>(ctx, Fill<T, n()>{mutable_rows_of<T>(out), value}, extents);
    });
  });
}

}  // namespace artemis::cuda

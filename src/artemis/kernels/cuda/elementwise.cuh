// Packs of neighbouring elements that move in one access, and the kernel of all that works element by element
// on matrices.
#pragma once

#include <algorithm>
#include <type_traits>

#include "artemis/kernels/cuda/device.cuh"

namespace artemis::cuda {

constexpr int access_bytes = 16;  // of the widest access to memory

// n elements, aligned so that they move in accesses as wide as can be.
template <typename T, int n>
struct alignas(n * sizeof(T) < access_bytes ? n * sizeof(T) : access_bytes) Pack {
  T values[n];
};

template <int n, typename T>
__device__ Pack<std::remove_const_t<T>, n> load_pack(T* from) {
  return *reinterpret_cast<const Pack<std::remove_const_t<T>, n>*>(from);
}

template <typename T, int n>
__device__ void store_pack(T* to, const Pack<T, n>& pack) {
  *reinterpret_cast<Pack<T, n>*>(to) = pack;
}

// The elements that fill the widest access.
template <typename T>
constexpr int widest_pack = access_bytes / static_cast<int>(sizeof(T));

// body(n): a constant, `widest` where packs of so many fit and else 1.
template <int widest, typename Body>
void dispatch_pack(bool fit, const Body& body) {
  if (fit) return body(std::integral_constant<int, widest>{});
  body(std::integral_constant<int, 1>{});
}

struct Extents {
  std::int64_t rows, cols;

  std::int64_t count() const { return rows * cols; }
};

// A tensor of any rank as rows: rank 0 and 1 are one row.
inline Extents extents_of(const Tensor& tensor) {
  if (tensor.shape().rank() < 2) return {1, tensor.count()};
  return {tensor.dim(0), tensor.row_size()};
}

// Tensors of one shape as rows: a single one where none has gaps between its rows.
template <typename... Others>
Extents joint_extents(const Tensor& first, const Others&... others) {
  if ((first.contiguous() && ... && others.contiguous())) return {1, first.count()};
  return extents_of(first);
}

// Whether each row of the tensors, seen as rows of so many elements, can be read in packs of n.
template <typename... Tensors>
bool packs_fit(std::int64_t cols, int n, const Tensors&... tensors) {
  const auto fits = [&](const Tensor& tensor) {
    const std::size_t size = dtype_size(tensor.dtype());
    const std::size_t unit = std::min<std::size_t>(static_cast<std::size_t>(n) * size, access_bytes);
    const bool single = tensor.count() == cols;
    return reinterpret_cast<std::uintptr_t>(tensor.raw()) % unit == 0 &&
           (single || static_cast<std::size_t>(tensor.row_stride()) * size % unit == 0);
  };
  return cols % n == 0 && (fits(tensors) && ...);
}

constexpr int element_threads = 256;
constexpr int packs_each = 2;  // of a thread, all read before the first is written

// A thread for some packs of a row: what op.take(row, col) takes from memory, op.finish(row, col, taken)
// turns into the result. Results may overwrite what the same pack is made from.
template <int n, typename Op>
__global__ void __launch_bounds__(element_threads) each_pack(Op op, Extents extents) {
  // The next kernel stays away: what is written here may be weights, which it may read before it waits.
  wait_for_previous();
  const std::int64_t step = static_cast<std::int64_t>(blockDim.x) * n;
  const std::int64_t first = blockIdx.x * (packs_each * step) + threadIdx.x * n;
  const std::int64_t row_step = static_cast<std::int64_t>(gridDim.y) * blockDim.y;
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.y) * blockDim.y + threadIdx.y;
       row < extents.rows; row += row_step) {
    decltype(op.take(row, first)) taken[packs_each];
#pragma unroll
    for (int i = 0; i < packs_each; ++i) {
      if (first + i * step < extents.cols) taken[i] = op.take(row, first + i * step);
    }
#pragma unroll
    for (int i = 0; i < packs_each; ++i) {
      if (first + i * step < extents.cols) op.finish(row, first + i * step, taken[i]);
    }
  }
}

// Runs op on all packs of n, chained to the kernel before it. Each row is cut into equal blocks, into more of
// them where the rows alone would leave most of the device idle.
template <int n, typename Op>
void launch_each_pack(Context& ctx, const Op& op, Extents extents) {
  if (extents.count() == 0) return;
  constexpr std::int64_t enough_blocks = 128;
  constexpr std::int64_t most_rows = 65535;  // of a grid
  const std::int64_t shares = blocks_for(extents.cols, std::int64_t{n} * packs_each);
  std::int64_t blocks = blocks_for(shares, element_threads);
  blocks =
      std::max(blocks, std::min<std::int64_t>(blocks_for(shares, warp_size), enough_blocks / extents.rows));
  std::int64_t across = blocks_for(shares, blocks);
  if (across > warp_size) across = std::int64_t{blocks_for(across, warp_size)} * warp_size;
  const std::int64_t down = std::min<std::int64_t>(element_threads / across, extents.rows);
  const dim3 grid(blocks_for(shares, across),
                  static_cast<unsigned>(std::min<std::int64_t>(blocks_for(extents.rows, down), most_rows)));
  launch_chained(ctx, each_pack<n, Op>, grid,
                 dim3(static_cast<unsigned>(across), static_cast<unsigned>(down)), 0, op, extents);
}

}  // namespace artemis::cuda

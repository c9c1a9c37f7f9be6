// bf16 tiles of the tensor-core attention kernels in shared memory, and their way there and back.
#pragma once

#include "artemis/kernels/cuda/attention_tiles.cuh"
#include "artemis/kernels/cuda/warpgroup_mma.cuh"

namespace artemis::cuda {

constexpr int flash_warps = 4;
constexpr int flash_threads = flash_warps * warp_size;
constexpr int vector_elements = 8;  // bf16 in 16 bytes

// Of dynamic shared memory, as tiles want it.
struct alignas(1024) Aligned {
  std::byte bytes[1024];
};

constexpr int flash_rows = flash_warps * 16;  // in which each warp has a block of rows

// Rows of `dim` elements, a head with zeros behind it, in panels of 64 columns. Vector v of row r of a panel
// lies at v ^ (r % 8), so that eight rows at one column lie in distinct banks: the tensor cores' swizzle of
// 128 bytes.
template <int row_count, int dim>
struct alignas(1024) FlashTile {
  static constexpr int rows = row_count;
  static constexpr int panel_columns = 64;
  static constexpr int panels = (dim + panel_columns - 1) / panel_columns;
  static constexpr int panel = rows * panel_columns;  // elements of one

  bfloat16 values[panels * panel];

  __device__ static int place(int row, int column) {
    const int vector = column / vector_elements;
    return column / panel_columns * panel + row * panel_columns + (vector % 8 ^ row % 8) * vector_elements +
           column % vector_elements;
  }
  __device__ bfloat16* at(int row, int column) { return values + place(row, column); }
  __device__ const bfloat16* at(int row, int column) const { return values + place(row, column); }
};

// Where a lane finds its part of load_matrices: in a row of a tile, and there in the first or second (vector
// 0 or 1) of every two vectors.
class LaneRows {
 public:
  template <typename Tile>
  __device__ LaneRows(const Tile& tile, int row, int vector)
      : row_(tile.values + row * Tile::panel_columns), vector_((vector ^ row % 8) * vector_elements) {}

  // So many rows further on (a multiple of 8), in the vectors from a column on (a multiple of 16).
  template <typename Tile>
  __device__ const bfloat16* at(int rows, int column) const {
    return row_ + column / Tile::panel_columns * Tile::panel + rows * Tile::panel_columns +
           (vector_ ^ column % Tile::panel_columns);
  }

 private:
  const bfloat16* row_;
  int vector_;
};

__device__ inline int lane_of_warp() { return static_cast<int>(threadIdx.x) % warp_size; }
// Told by its first lane, so that the compiler knows that it is the same in all.
__device__ inline int warp_of_block() {
  return __shfl_sync(all_lanes, static_cast<int>(threadIdx.x) / warp_size, 0);
}

// Rows of a head in a matrix, found with 32-bit factors.
class HeadRows {
 public:
  __device__ HeadRows(Rows<const bfloat16> rows, std::int64_t first, std::int64_t column)
      : data_(reinterpret_cast<const std::byte*>(rows[first] + column)),
        stride_(static_cast<unsigned>(rows.stride * static_cast<int>(sizeof(bfloat16)))) {}

  __device__ const bfloat16* operator[](int row) const {
    return reinterpret_cast<const bfloat16*>(data_ + std::uint64_t{static_cast<unsigned>(row)} * stride_);
  }

 private:
  const std::byte* data_;
  unsigned stride_;
};

// Starts to copy rows of a head into a tile: from[index(r)] to its row r, or zeros where index(r) is
// negative. The block's threads share them. Whether whole vectors of 16 bytes can be copied is known when
// compiling.
template <bool vectors, int rows, int dim, typename Index>
__device__ void copy_rows(FlashTile<rows, dim>& to, const HeadRows& from, int head_dim, Index index) {
  constexpr int units = dim / vector_elements;
  constexpr int step = flash_threads / units / 8 * 8;
  static_assert(rows % step == 0);
  const int thread = static_cast<int>(threadIdx.x);
  if (step * units < flash_threads && thread >= step * units) return;
  const int column = thread % units * vector_elements;
  const int count = min(vector_elements, max(0, head_dim - column));
  bfloat16* const first = to.at(thread / units, column);
#pragma unroll
  for (int n = 0; n < rows; n += step) {
    const int row = index(n + thread / units);
    const bfloat16* source = from[max(row, 0)] + (count > 0 ? column : 0);
    bfloat16* target = first + n * FlashTile<rows, dim>::panel_columns;
    if constexpr (vectors) {
      copy_async(target, source, row >= 0 && count > 0);
    } else {
      for (int c = 0; c < vector_elements; ++c) {
        target[c] = row >= 0 && c < count ? source[c] : bfloat16{};
      }
    }
  }
}

// The index of a row for copy_rows, of which the first `count` exist.
struct FirstRows {
  int count;

  __device__ int operator()(int row) const { return row < count ? row : -1; }
};

// Waits for all copies so far, of all threads.
__device__ inline void meet_copies() {
  wait_for_copies<0>();
  if constexpr (has_warpgroup_mma) show_to_tensor_cores();
  __syncthreads();
}

// The first row of a warp's block of rows in a tile.
__device__ inline int rows_of_block(int block) { return (block * flash_warps + warp_of_block()) * 16; }

// The warp's rows to their places: factors[m][half] * sums, through a tile whose rows no other warp uses.
// to(r) is the place of row r of the tile; those from `count` on are not wanted.
template <bool vectors, int rows, int dim, int blocks, typename Row>
__device__ void store_rows(FlashTile<rows, dim>& tile, const float (&sums)[blocks][dim / 8][4],
                           const float (&factors)[blocks][2], int count, int head_dim, Row to) {
  static_assert(rows == blocks * flash_rows);
  constexpr int units = dim / vector_elements;
  const int lane = lane_of_warp();
  __syncwarp();  // what lay there has been read
#pragma unroll
  for (int m = 0; m < blocks; ++m) {
    const int first = rows_of_block(m);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float factor = factors[m][half];
#pragma unroll
      for (int d = 0; d < dim / 8; ++d) {
        const float* pair = &sums[m][d][2 * half];
        *reinterpret_cast<unsigned*>(tile.at(first + half * 8 + lane / 4, d * 8 + lane % 4 * 2)) =
            pack_pair(factor * pair[0], factor * pair[1]);
      }
    }
  }
  __syncwarp();
#pragma unroll
  for (int m = 0; m < blocks; ++m) {
    const int first = rows_of_block(m);
    for (int i = lane; i < min(count - first, 16) * units; i += warp_size) {
      const int row = first + i / units;
      const int column = i % units * vector_elements;
      const bfloat16* from = tile.at(row, column);
      bfloat16* target = to(row) + column;
      if constexpr (vectors) {
        if (column < head_dim) *reinterpret_cast<uint4*>(target) = *reinterpret_cast<const uint4*>(from);
      } else {
        for (int c = 0; c < min(vector_elements, head_dim - column); ++c) target[c] = from[c];
      }
    }
  }
}

// Whether rows can be copied by 16 bytes.
template <typename... Matrix>
bool by_vectors(std::int64_t head_dim, const Matrix&... matrices) {
  const auto fits = [](const auto& rows) {
    return reinterpret_cast<std::uintptr_t>(rows.data) % 16 == 0 && rows.stride % vector_elements == 0;
  };
  return head_dim % vector_elements == 0 && (fits(matrices) && ...);
}

// HeadRows holds the distance of rows in bytes.
template <typename... Matrix>
bool strides_fit(const Matrix&... matrices) {
  return ((matrices.stride * std::int64_t{sizeof(bfloat16)} <= UINT32_MAX) && ...);
}

}  // namespace artemis::cuda

// What the attention kernels share: tiles of ragged sequences, who sees whom, heads as f32 in shared memory,
// and products of tiles.
#pragma once

#include <algorithm>

#include "artemis/kernels/attention.h"
#include "artemis/kernels/cuda/device.cuh"

namespace artemis::cuda {

// The scalar kernels have blocks of 16 x 16 threads; thread (y, x) holds rows R y to R y + R - 1 of a tile of
// 16 R rows, and columns x, x + 16, ... of its products with a tile of 16 C others.
constexpr int tile_threads = 256;
constexpr int least_blocks = 2;  // of a multiprocessor, so that a thread has 128 registers
constexpr int lanes_x = 16;
constexpr int lanes_y = tile_threads / lanes_x;
// Floats at the end of a row in shared memory, so that a column of float4 lies in distinct banks.
constexpr int row_gap = 4;

template <int R, int C>
struct Tiling {
  static constexpr int rows_each = R;
  static constexpr int columns_each = C;
  static constexpr int rows = lanes_y * R;
  static constexpr int columns = lanes_x * C;
  static constexpr int score_stride = columns + row_gap;
};

// The largest heads of the tensor-core kernels, in elements.
constexpr int flash_most_dim = 128;

// The options, as a kernel takes them.
struct AttentionShape {
  int heads, group, head_dim, window;
  float scale;
  bool causal;
};

inline AttentionShape shape_of(const AttentionOptions& options) {
  constexpr std::int64_t widest = 1 << 30;  // no sequence is as long, and sums with places stay within int
  return {static_cast<int>(options.heads),
          static_cast<int>(options.heads / options.kv_heads),
          static_cast<int>(options.head_dim),
          static_cast<int>(std::min(options.window, widest)),
          options.scale,
          options.causal};
}

// Sequences one after the other: sequence s has the rows [offsets[s], offsets[s + 1]).
struct Sequences {
  const std::int32_t* offsets;
  int count;
};

inline Sequences sequences_of(const Tensor& offsets) {
  return {offsets.data<std::int32_t>(), static_cast<int>(offsets.dim(0) - 1)};
}

// Rows [begin, begin + rows) of a sequence of `length`, which starts at row `first` of the tensors.
struct Tile {
  int sequence, first, length, begin, rows;
};

// The tiles of sequence s have the indices from offsets[s] / size + s on: at least as many indices as tiles,
// and known without a pass over the lengths.
inline unsigned tile_bound(std::int64_t tokens, const Tensor& offsets, int size) {
  return static_cast<unsigned>(tokens / size + offsets.dim(0) - 1);
}

// The last sequence s with start(s) <= index; start rises and start(0) is 0. All lanes of a warp call it:
// they try 32 sequences at once.
template <typename Start>
__device__ int last_sequence(const Sequences& sequences, int index, Start start) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  int low = 0;
  int count = sequences.count;  // the answer is in [low, low + count)
  while (count > 1) {
    const int step = (count + warp_size - 1) / warp_size;
    const int mine = lane * step;
    const bool begun = mine < count && start(low + mine) <= index;
    const int skipped = (__popc(__ballot_sync(all_lanes, begun)) - 1) * step;
    low += skipped;
    count = min(step, count - skipped);
  }
  return low;
}

// The tile with this index; it has no rows (0 or less) where the index is one too many.
__device__ inline Tile find_tile(const Sequences& sequences, int size, int index) {
  const auto start = [&](int s) { return sequences.offsets[s] / size + s; };
  const int s = last_sequence(sequences, index, start);
  const int first = sequences.offsets[s];
  const int length = sequences.offsets[s + 1] - first;
  const int begin = (index - start(s)) * size;
  return {s, first, length, begin, min(size, length - begin)};
}

// The tile of one row that this token (a row of the tensors) is.
__device__ inline Tile find_token(const Sequences& sequences, int token) {
  const int s = last_sequence(sequences, token, [&](int i) { return sequences.offsets[i]; });
  const int first = sequences.offsets[s];
  return {s, first, sequences.offsets[s + 1] - first, token - first, 1};
}

// Positions [begin, end) that the token at `position` of `length` sees.
struct Visible {
  int begin, end;

  __device__ bool contains(int key) const { return begin <= key && key < end; }
};

__device__ inline Visible visible_keys(const AttentionShape& shape, int position, int length) {
  if (!shape.causal) return {0, length};
  return {shape.window > 0 ? max(0, position + 1 - shape.window) : 0, min(length, position + 1)};
}

// to (total, dim, rows `stride` apart) = factor * the head_dim elements at row(i), i < rows; zeros elsewhere.
template <int dim, int total, int stride, typename Row>
__device__ void load_tile(float* to, int rows, int head_dim, float factor, Row row) {
  for (int i = static_cast<int>(threadIdx.x); i < total * dim; i += tile_threads) {
    const int r = i / dim;
    const int c = i % dim;
    to[r * stride + c] = r < rows && c < head_dim ? factor * load(row(r)[c]) : 0.0f;
  }
}

__device__ inline float4 vector_at(const float* values) { return *reinterpret_cast<const float4*>(values); }

__device__ inline float dot(float4 a, float4 b, float sum) {
  return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

// products[i][j] = a[R y + i] . b[x + 16 j]: rows of tiles with dim + row_gap floats from row to row.
template <int dim, int rows_each, int columns_each>
__device__ void multiply_rows(float (&products)[rows_each][columns_each], const float* a, const float* b) {
  constexpr int stride = dim + row_gap;
  const float* a_rows = a + static_cast<int>(threadIdx.x) / lanes_x * rows_each * stride;
  const float* b_rows = b + static_cast<int>(threadIdx.x) % lanes_x * stride;
  for (auto& row : products) {
    for (float& product : row) product = 0.0f;
  }
#pragma unroll 4
  for (int d = 0; d < dim; d += 4) {
    float4 right[columns_each];
#pragma unroll
    for (int j = 0; j < columns_each; ++j) right[j] = vector_at(b_rows + j * lanes_x * stride + d);
#pragma unroll
    for (int i = 0; i < rows_each; ++i) {
      const float4 left = vector_at(a_rows + i * stride + d);
#pragma unroll
      for (int j = 0; j < columns_each; ++j) products[i][j] = dot(left, right[j], products[i][j]);
    }
  }
}

// sums[i][2 c + e] += weights[R y + i] . column (2 x + 32 c + e) of values: weights (16 R, 16 C, rows
// score_stride apart), values (16 C, dim, rows `stride` apart).
template <int dim, int stride, typename Tiles>
__device__ void add_weighted_rows(float (&sums)[Tiles::rows_each][dim / lanes_x], const float* weights,
                                  const float* values) {
  constexpr int rows_each = Tiles::rows_each;
  constexpr int score_stride = Tiles::score_stride;
  const float* rows = weights + static_cast<int>(threadIdx.x) / lanes_x * rows_each * score_stride;
  const float* columns = values + static_cast<int>(threadIdx.x) % lanes_x * 2;
#pragma unroll 2
  for (int k = 0; k < Tiles::columns; k += 4) {
    float4 weight[rows_each];
#pragma unroll
    for (int i = 0; i < rows_each; ++i) weight[i] = vector_at(rows + i * score_stride + k);
#pragma unroll
    for (int c = 0; c < dim / 32; ++c) {
      float2 value[4];
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        value[n] = *reinterpret_cast<const float2*>(columns + (k + n) * stride + c * 32);
      }
#pragma unroll
      for (int i = 0; i < rows_each; ++i) {
        const float4 w = weight[i];
        sums[i][2 * c] = dot(w, {value[0].x, value[1].x, value[2].x, value[3].x}, sums[i][2 * c]);
        sums[i][2 * c + 1] = dot(w, {value[0].y, value[1].y, value[2].y, value[3].y}, sums[i][2 * c + 1]);
      }
    }
  }
}

// The head_dim elements of a row at `to` = factor * sums, laid out as add_weighted_rows leaves them.
template <typename T, int dim>
__device__ void store_sums(T* to, const float (&sums)[dim / lanes_x], int head_dim, float factor) {
  const int x = static_cast<int>(threadIdx.x) % lanes_x;
#pragma unroll
  for (int c = 0; c < dim / lanes_x; ++c) {
    const int column = 2 * x + c / 2 * 32 + c % 2;
    if (column < head_dim) store(to[column], factor * sums[c]);
  }
}

// The sum and the maximum over the 16 threads that share rows.
__device__ inline float row_sum(float value) {
  for (int step = lanes_x / 2; step > 0; step /= 2) value += __shfl_xor_sync(all_lanes, value, step);
  return value;
}
__device__ inline float row_max(float value) {
  for (int step = lanes_x / 2; step > 0; step /= 2) {
    value = fmaxf(value, __shfl_xor_sync(all_lanes, value, step));
  }
  return value;
}

// An extent known when compiling.
template <int value>
struct Extent {
  static constexpr int dim = value;
};

// Calls body(Extent<dim>) with head_dim, which is above `above`, rounded up to a size of the scalar kernels;
// throws Error above 256.
template <int above = 0, typename Body>
void dispatch_head_dim(std::int64_t head_dim, Body&& body) {
  if constexpr (above < 128) {
    if (head_dim <= 32) return body(Extent<32>{});
    if (head_dim <= 64) return body(Extent<64>{});
    if (head_dim <= 96) return body(Extent<96>{});
    if (head_dim <= 128) return body(Extent<128>{});
  }
  require(head_dim <= 256, "attention", "head_dim is {}, expected at most 256 on cuda", head_dim);
  return body(Extent<256>{});
}

// The size above which heads of this element type are for the scalar kernels.
template <typename T>
constexpr int scalar_above = std::is_same_v<T, bfloat16> ? flash_most_dim : 0;

// Lets a kernel have so many bytes of dynamic shared memory, in as many blocks of a multiprocessor as it has
// memory for.
template <typename Kernel>
void allow_shared_memory(Kernel* kernel, std::size_t bytes) {
  ARTEMIS_CUDA(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
  ARTEMIS_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                                    cudaSharedmemCarveoutMaxShared));
}

}  // namespace artemis::cuda

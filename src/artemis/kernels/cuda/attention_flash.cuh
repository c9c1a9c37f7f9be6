// What the tensor-core attention kernels share: bf16 tiles in shared memory, their way there and back, and
// products of a warp's rows with them (FlashAttention-2; Dao 2023).
//
// A warp has blocks of 16 rows, by the registers of an MMA: lane 4 g + t holds of each 16 x 8 products the
// rows g and g + 8 (half 0 and 1) at columns 2 t and 2 t + 1. Tiles have `dim` elements a row, a head with
// zeros behind it, and a gap between rows, so that eight rows at one column lie in distinct banks.
#pragma once

#include <climits>

#include "artemis/kernels/cuda/attention_tiles.cuh"
#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {

constexpr int flash_warps = 4;
constexpr int flash_threads = flash_warps * warp_size;
constexpr int vector_elements = 8;  // bf16 in 16 bytes
constexpr float log2_e = 1.44269504f;

template <int dim>
constexpr int flash_stride = dim + vector_elements;

__device__ inline int lane_of_warp() { return static_cast<int>(threadIdx.x) % warp_size; }
// Told by its first lane, so that the compiler knows that it is the same in all.
__device__ inline int warp_of_block() {
  return __shfl_sync(all_lanes, static_cast<int>(threadIdx.x) / warp_size, 0);
}

// 2^x, 0 where that is below the normal numbers.
__device__ inline float power_of_two(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
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

// Starts to copy `rows` rows of a head into a tile: rows[index(r)] to its row r, or zeros where index(r) is
// negative. The block's threads share them. Whether whole vectors of 16 bytes can be copied is known when
// compiling.
template <int dim, int rows, bool vectors, typename Index>
__device__ void copy_rows(bfloat16* to, const HeadRows& from, int head_dim, Index index) {
  constexpr int units = dim / vector_elements;
  constexpr int step = dim == 64 ? 16 : 8;
  static_assert(step * units <= flash_threads && rows % step == 0);
  const int thread = static_cast<int>(threadIdx.x);
  if (step * units < flash_threads && thread >= step * units) return;
  const int column = thread % units * vector_elements;
  const int count = min(vector_elements, max(0, head_dim - column));
  to += thread / units * flash_stride<dim> + column;
#pragma unroll
  for (int n = 0; n < rows; n += step) {
    const int row = index(n + thread / units);
    const bfloat16* source = from[max(row, 0)] + (count > 0 ? column : 0);
    bfloat16* target = to + n * flash_stride<dim>;
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

// Where this lane's part of load_matrices begins in rows that become an MMA's left factor, and (transposed)
// in rows that are summed over; `rows` is the first of them.
template <int dim>
__device__ const bfloat16* left_lane(const bfloat16* rows) {
  return rows + lane_of_warp() % 16 * flash_stride<dim> + lane_of_warp() / 16 * 8;
}
// The same in rows that become columns of an MMA's right factor.
template <int dim>
__device__ const bfloat16* right_lane(const bfloat16* rows) {
  return rows + (lane_of_warp() / 16 * 8 + lane_of_warp() % 8) * flash_stride<dim> +
         lane_of_warp() / 8 % 2 * 8;
}

// Rows of a warp as left factors, kept in registers.
template <int blocks, int dim>
struct KeptRows {
  unsigned values[dim / 16][blocks][4];

  __device__ void load(const bfloat16* rows) {
    const bfloat16* lane = left_lane<dim>(rows);
#pragma unroll
    for (int k = 0; k < dim / 16; ++k) {
#pragma unroll
      for (int m = 0; m < blocks; ++m) {
        load_matrices(values[k][m], lane + m * 16 * flash_stride<dim> + k * 16);
      }
    }
  }
  __device__ void get(unsigned (&to)[blocks][4], int k) const {
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) to[m][i] = values[k][m][i];
    }
  }
};

// The same, read from shared memory each time.
template <int blocks, int dim>
struct SharedRows {
  const bfloat16* lane;

  __device__ void load(const bfloat16* rows) { lane = left_lane<dim>(rows); }
  __device__ void get(unsigned (&to)[blocks][4], int k) const {
#pragma unroll
    for (int m = 0; m < blocks; ++m) load_matrices(to[m], lane + m * 16 * flash_stride<dim> + k * 16);
  }
};

// products = left rows^T: the warp's rows with `columns` rows of a tile.
template <int dim, int blocks, int groups, typename Left>
__device__ void multiply_with_rows(float (&products)[blocks][groups][4], const Left& left,
                                   const bfloat16* rows) {
  const bfloat16* lane = right_lane<dim>(rows);
#pragma unroll
  for (auto& block : products) {
#pragma unroll
    for (auto& group : block) {
#pragma unroll
      for (float& product : group) product = 0.0f;
    }
  }
#pragma unroll
  for (int k = 0; k < dim / 16; ++k) {
    unsigned a[blocks][4];
    left.get(a, k);
#pragma unroll
    for (int n = 0; n < groups; n += 2) {
      unsigned b[4];
      load_matrices(b, lane + n * 8 * flash_stride<dim> + k * 16);
#pragma unroll
      for (int m = 0; m < blocks; ++m) {
        multiply_add(products[m][n], a[m], b[0], b[1]);
        multiply_add(products[m][n + 1], a[m], b[2], b[3]);
      }
    }
  }
}

// sums += weights rows: the warp's weights, rounded to bf16, of 8 * groups rows of a tile.
template <int dim, int blocks, int groups>
__device__ void add_weighted(float (&sums)[blocks][dim / 8][4], const float (&weights)[blocks][groups][4],
                             const bfloat16* rows) {
  const bfloat16* lane = left_lane<dim>(rows);
#pragma unroll
  for (int k = 0; k < groups; k += 2) {
    unsigned a[blocks][4];
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float* pair = &weights[m][k + i / 2][i % 2 * 2];
        a[m][i] = pack_pair(pair[0], pair[1]);
      }
    }
#pragma unroll
    for (int d = 0; d < dim / 8; d += 2) {
      unsigned b[4];
      load_transposed(b, lane + k * 8 * flash_stride<dim> + d * 8);
#pragma unroll
      for (int m = 0; m < blocks; ++m) {
        multiply_add(sums[m][d], a[m], b[0], b[1]);
        multiply_add(sums[m][d + 1], a[m], b[2], b[3]);
      }
    }
  }
}

// The warp's rows to their places: factors[m][half] * sums, through `rows` of shared memory that no other
// warp uses. to(r) is the place of row r; `count` rows are wanted.
template <int dim, bool vectors, int blocks, typename Row>
__device__ void store_rows(bfloat16* rows, const float (&sums)[blocks][dim / 8][4],
                           const float (&factors)[blocks][2], int count, int head_dim, Row to) {
  constexpr int stride = flash_stride<dim>;
  constexpr int units = dim / vector_elements;
  const int lane = lane_of_warp();
  __syncwarp();  // what lay there has been read
#pragma unroll
  for (int m = 0; m < blocks; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      bfloat16* mine = rows + (m * 16 + half * 8 + lane / 4) * stride + lane % 4 * 2;
      const float factor = factors[m][half];
#pragma unroll
      for (int d = 0; d < dim / 8; ++d) {
        const float* pair = &sums[m][d][2 * half];
        *reinterpret_cast<unsigned*>(mine + d * 8) = pack_pair(factor * pair[0], factor * pair[1]);
      }
    }
  }
  __syncwarp();
  for (int i = lane; i < min(count, blocks * 16) * units; i += warp_size) {
    const int column = i % units * vector_elements;
    const bfloat16* from = rows + i / units * stride + column;
    bfloat16* target = to(i / units) + column;
    if constexpr (vectors) {
      if (column < head_dim) *reinterpret_cast<uint4*>(target) = *reinterpret_cast<const uint4*>(from);
    } else {
      for (int c = 0; c < min(vector_elements, head_dim - column); ++c) target[c] = from[c];
    }
  }
}

// Whether any of the queries at positions [first_query, last_query] sees any key of [first_key, last_key],
// and whether all see all.
struct Sight {
  bool any, all;

  __device__ Sight(const AttentionShape& shape, int first_query, int last_query, int first_key, int last_key,
                   int length) {
    const Visible first = visible_keys(shape, first_query, length);
    const Visible last = visible_keys(shape, last_query, length);
    any = first_key < last.end && last_key >= first.begin;
    all = first_key >= last.begin && last_key < first.end;
  }
};

// Who sees whom among the queries from `query` on and the keys from `key` on. What a query past the end of
// its sequence of `length` sees is left open.
class Seen {
 public:
  __device__ Seen(const AttentionShape& shape, int query, int key, int length)
      : causal_(shape.causal),
        most_(shape.causal ? query - key : length - key - 1),
        least_(shape.window > 0 ? query - key - shape.window + 1 : INT_MIN) {}

  // Of the query and the key so much further on.
  __device__ bool operator()(int query, int key) const {
    if (!causal_) return key <= most_;
    return key - query <= most_ && key - query >= least_;
  }

 private:
  bool causal_;
  int most_, least_;
};

// Scores of the warp become -inf where seen(row, column) is false, both counted from the lane's first.
template <int blocks, int groups, typename Predicate>
__device__ void hide(float (&scores)[blocks][groups][4], const Predicate& seen) {
#pragma unroll
  for (int m = 0; m < blocks; ++m) {
#pragma unroll
    for (int n = 0; n < groups; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (!seen(m * 16 + i / 2 * 8, n * 8 + i % 2)) scores[m][n][i] = -INFINITY;
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

// The maximum of scores is that of q k^T only where the scale is positive.
inline void check_scale(float scale) {
  require(scale > 0, "attention", "scale is {}, expected a positive number in bf16 on cuda", scale);
}

// Calls body(Extent<dim>) with head_dim, at most 128, rounded up to a size of tiles.
template <typename Body>
void dispatch_flash_dim(std::int64_t head_dim, Body&& body) {
  if (head_dim <= 64) return body(Extent<64>{});
  if (head_dim <= 96) return body(Extent<96>{});
  return body(Extent<flash_most_dim>{});
}

}  // namespace artemis::cuda

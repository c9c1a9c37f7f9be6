// What the tensor-core attention kernels share: bf16 tiles in shared memory, their way there and back, and
// products of a warp's rows with them (FlashAttention-2; Dao 2023), on Hopper those of a warpgroup, which all
// warps of a block are.
//
// A warp has blocks of 16 rows, each in another 64 rows of the tile, by the registers of an MMA: lane 4 g + t
// holds of each 16 x 8 products the rows g and g + 8 (half 0 and 1) at columns 2 t and 2 t + 1.
#pragma once

#include <climits>

#include "artemis/kernels/cuda/attention_tiles.cuh"
#include "artemis/kernels/cuda/warpgroup_mma.cuh"

namespace artemis::cuda {

constexpr int flash_warps = 4;
constexpr int flash_threads = flash_warps * warp_size;
constexpr int vector_elements = 8;  // bf16 in 16 bytes
constexpr float log2_e = 1.44269504f;

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

// Where a lane's parts of rows lie that become an MMA's left factor, and (transposed) of rows that are summed
// over; `first` is the first of the rows.
template <typename Tile>
__device__ LaneRows left_lane(const Tile& tile, int first) {
  return LaneRows(tile, first + lane_of_warp() % 16, lane_of_warp() / 16);
}
// The same of rows that become columns of an MMA's right factor.
template <typename Tile>
__device__ LaneRows right_lane(const Tile& tile) {
  return LaneRows(tile, lane_of_warp() / 16 * 8 + lane_of_warp() % 8, lane_of_warp() / 8 % 2);
}

// Where 16 columns begin in a tile's first row.
template <typename Tile>
__device__ constexpr int panel_offset(int column) {
  return column / Tile::panel_columns * Tile::panel + column % Tile::panel_columns;
}

// A warp's blocks of rows as left factors, kept in registers. Not for a warpgroup: the compiler (of
// CUDA 13.0) was seen to give registers away that the next products of a loop read again.
template <int blocks, int dim>
class KeptRows {
 public:
  unsigned values[dim / 16][blocks][4];

  template <int rows>
  __device__ explicit KeptRows(const FlashTile<rows, dim>& tile) {
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
      const LaneRows lane = left_lane(tile, rows_of_block(m));
#pragma unroll
      for (int k = 0; k < dim / 16; ++k) {
        load_matrices(values[k][m], lane.at<FlashTile<rows, dim>>(0, k * 16));
      }
    }
  }
  __device__ void get(unsigned (&to)[4], int m, int k) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) to[i] = values[k][m][i];
  }
};

// The same, read from their tile each time.
template <int blocks, int dim>
class SharedRows {
 public:
  using Tile = FlashTile<blocks * flash_rows, dim>;

  __device__ explicit SharedRows(const Tile& tile) : tile_(tile), lane_(left_lane(tile, rows_of_block(0))) {}

  __device__ void get(unsigned (&to)[4], int m, int k) const {
    load_matrices(to, lane_.at<Tile>(m * flash_rows, k * 16));
  }
  // sums = or (k > 0) += part k of a block's 64 rows times the columns'.
  __device__ void multiply_async(float (&sums)[8][4], int m, int k, std::uint64_t columns) const {
    const bfloat16* rows = tile_.values + m * flash_rows * Tile::panel_columns;
    multiply_add_async(sums, matrix_descriptor(rows + panel_offset<Tile>(k * 16)), columns, k > 0);
  }

 private:
  const Tile& tile_;
  LaneRows lane_;
};

// products = left rows^T: the warp's rows with those of a tile. To be waited for.
template <int dim, int blocks, int groups, typename Left>
__device__ void multiply_with_rows(float (&products)[blocks][groups][4], const Left& left,
                                   const FlashTile<8 * groups, dim>& tile) {
  using Tile = FlashTile<8 * groups, dim>;
  if constexpr (has_warpgroup_mma) {
    begin_products();
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int k = 0; k < dim / 16; ++k) {
        left.multiply_async(products[m], m, k, matrix_descriptor(tile.values + panel_offset<Tile>(k * 16)));
      }
    }
  } else {
#pragma unroll
    for (auto& block : products) {
#pragma unroll
      for (auto& group : block) group[0] = group[1] = group[2] = group[3] = 0.0f;
    }
    const LaneRows lane = right_lane(tile);
#pragma unroll
    for (int k = 0; k < dim / 16; ++k) {
      unsigned a[blocks][4];
#pragma unroll
      for (int m = 0; m < blocks; ++m) left.get(a[m], m, k);
#pragma unroll
      for (int n = 0; n < groups; n += 2) {
        unsigned b[4];
        load_matrices(b, lane.at<Tile>(n * 8, k * 16));
#pragma unroll
        for (int m = 0; m < blocks; ++m) {
          multiply_add(products[m][n], a[m], b[0], b[1]);
          multiply_add(products[m][n + 1], a[m], b[2], b[3]);
        }
      }
    }
  }
}

// A warp's weights of 8 * groups rows, rounded to bf16, as left factors.
template <int blocks, int groups>
struct Weights {
  unsigned values[blocks][groups / 2][4];

  __device__ explicit Weights(const float (&weights)[blocks][groups][4]) {
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int k = 0; k < groups; ++k) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const float* pair = &weights[m][k][half * 2];
          values[m][k / 2][k % 2 * 2 + half] = pack_pair(pair[0], pair[1]);
        }
      }
    }
  }
};

// sums += the weights of 16 rows times these, panel by panel.
template <int dim, int first = 0>
__device__ void add_panels_async(float (&sums)[dim / 8][4], const unsigned (&weights)[4],
                                 const bfloat16* rows, int panel) {
  constexpr int groups = std::min(dim / 8 - first, 8);
  auto& here = reinterpret_cast<float(&)[groups][4]>(sums[first]);
  multiply_add_async(here, weights, matrix_descriptor(rows));
  if constexpr (first + groups < dim / 8) {
    add_panels_async<dim, first + groups>(sums, weights, rows + panel, panel);
  }
}

// sums += weights times the rows of a tile. To be waited for, the weights too.
template <int dim, int blocks, int groups>
__device__ void add_weighted(float (&sums)[blocks][dim / 8][4], Weights<blocks, groups>& weights,
                             const FlashTile<8 * groups, dim>& tile) {
  using Tile = FlashTile<8 * groups, dim>;
  if constexpr (has_warpgroup_mma) {
    begin_products(sums, weights.values);
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int k = 0; k < groups / 2; ++k) {
        const bfloat16* rows = tile.values + k * 16 * Tile::panel_columns;
        add_panels_async<dim>(sums[m], weights.values[m][k], rows, Tile::panel);
      }
    }
  } else {
    const LaneRows lane = left_lane(tile, 0);
#pragma unroll
    for (int k = 0; k < groups / 2; ++k) {
#pragma unroll
      for (int d = 0; d < dim / 8; d += 2) {
        unsigned b[4];
        load_transposed(b, lane.at<Tile>(k * 16, d * 8));
#pragma unroll
        for (int m = 0; m < blocks; ++m) {
          multiply_add(sums[m][d], weights.values[m][k], b[0], b[1]);
          multiply_add(sums[m][d + 1], weights.values[m][k], b[2], b[3]);
        }
      }
    }
  }
}

// Waits for the products so far, which have these sums and weights.
template <typename... Registers>
__device__ void finish_products(Registers&... registers) {
  if constexpr (has_warpgroup_mma) wait_for_products(registers...);
}

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
        windowed_(shape.window > 0),
        most_(shape.causal ? query - key : length - key - 1),
        least_(shape.window > 0 ? query - key - shape.window + 1 : INT_MIN) {}

  // Calls body(sees), where sees(query, key) is about the query and the key so much further on: as few
  // comparisons as will do.
  template <typename Body>
  __device__ void visit(Body body) const {
    if (!causal_) return body([this](int, int key) { return key <= most_; });
    if (!windowed_) return body([this](int query, int key) { return key - query <= most_; });
    body([this](int query, int key) { return key - query <= most_ && key - query >= least_; });
  }

 private:
  bool causal_, windowed_;
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
        if (!seen(m * flash_rows + i / 2 * 8, n * 8 + i % 2)) scores[m][n][i] = -INFINITY;
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
  if (head_dim <= 80) return body(Extent<80>{});
  return body(Extent<flash_most_dim>{});
}

}  // namespace artemis::cuda

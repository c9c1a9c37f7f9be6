// What the tensor-core attention kernels share: products of a warp's rows with tiles (FlashAttention-2; Dao
// 2023), on Hopper those of a warpgroup, which all warps of a block are; who sees whom.
//
// A warp has blocks of 16 rows, each in another 64 rows of the tile, by the registers of an MMA: lane 4 g + t
// holds of each 16 x 8 products the rows g and g + 8 (half 0 and 1) at columns 2 t and 2 t + 1.
#pragma once

#include <climits>

#include "artemis/kernels/cuda/flash_tile.cuh"

namespace artemis::cuda {

constexpr float log2_e = 1.44269504f;

// 2^x, 0 where that is below the normal numbers.
__device__ inline float power_of_two(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

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

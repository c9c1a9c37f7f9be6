// The forward pass of bf16 attention on tensor cores.
#include "artemis/kernels/cuda/attention_flash.cuh"
#include "artemis/kernels/cuda/attention_forward.cuh"

namespace artemis::cuda {
namespace {

constexpr int key_tile = 64;
constexpr int no_row = -1;  // as for copy_rows

// A tile of queries has 16 * blocks rows for each warp.
template <int dim, int blocks>
struct FlashForward {
  static constexpr int rows = blocks * flash_rows;
  // Queries in registers where those suffice and reading them again would take time.
  static constexpr bool keeps_queries = blocks == 1 && !has_warpgroup_mma;
  static constexpr int resident = blocks == 2 || dim > 64 ? 2 : 4;  // of a multiprocessor

  FlashTile<rows, dim> q;
  // One tile of keys in use, one on its way.
  struct {
    FlashTile<key_tile, dim> keys, values;
  } stages[2];
  int key_rows[2][key_tile];  // where the keys of a tile lie, or no_row
};

// The running softmax of a warp's rows: the maximum of the scores, each lane's sum of the exponentials, and
// their product with the values.
template <int dim, int blocks>
struct FlashSums {
  float maximum[blocks][2];
  float sum[blocks][2];
  float out[blocks][dim / 8][4];

  __device__ FlashSums() {
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
      maximum[m][0] = maximum[m][1] = -INFINITY;
      sum[m][0] = sum[m][1] = 0.0f;
#pragma unroll
      for (auto& group : out[m]) group[0] = group[1] = group[2] = group[3] = 0.0f;
    }
  }

  // Takes the scores of one more tile, -inf where hidden, and makes them weights. `scale` as for powers of
  // two.
  template <int groups>
  __device__ void add(float (&scores)[blocks][groups][4], float scale) {
#pragma unroll
    for (int m = 0; m < blocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float highest = maximum[m][half];
#pragma unroll
        for (int n = 0; n < groups; ++n) {
          highest = fmaxf(highest, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        }
        highest = fmaxf(highest, __shfl_xor_sync(all_lanes, highest, 1));
        highest = fmaxf(highest, __shfl_xor_sync(all_lanes, highest, 2));
        // Rounded as the shift is, so that a tile that is hidden from a row changes nothing of it.
        const float shift = highest == -INFINITY ? 0.0f : __fmul_rn(highest, scale);
        const float factor = power_of_two(__fmul_rn(maximum[m][half], scale) - shift);
        maximum[m][half] = highest;
        float total = sum[m][half] * factor;
#pragma unroll
        for (int n = 0; n < groups; ++n) {
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; ++i) {
            scores[m][n][i] = power_of_two(fmaf(scores[m][n][i], scale, -shift));
            total += scores[m][n][i];
          }
        }
        sum[m][half] = total;
#pragma unroll
        for (auto& group : out[m]) {
          group[2 * half] *= factor;
          group[2 * half + 1] *= factor;
        }
      }
    }
  }

  // The sum of a row, the same in the four lanes that share it.
  __device__ float total(int m, int half) const {
    float value = sum[m][half];
    value += __shfl_xor_sync(all_lanes, value, 1);
    return value + __shfl_xor_sync(all_lanes, value, 2);
  }
};

// A block for each tile of queries and head: the heads of one tile side by side, the last tiles, which are
// the longest of a causal sequence, first.
template <int dim, int blocks, bool vectors>
__global__ void __launch_bounds__(flash_threads, FlashForward<dim, blocks>::resident)
    flash_forward(ForwardTensors<bfloat16> t, Pages cache, Sequences sequences, AttentionShape shape) {
  using Shared = FlashForward<dim, blocks>;
  extern __shared__ Aligned dynamic[];
  auto& shared = *reinterpret_cast<Shared*>(dynamic);
  const int block = static_cast<int>(gridDim.x - 1 - blockIdx.x);
  const int head = shape.heads - 1 - block % shape.heads;
  const Tile tile = find_tile(sequences, Shared::rows, block / shape.heads);
  if (tile.rows <= 0) return;
  const KeyRows keys(cache, tile.sequence, tile.first, tile.length);
  const int first_row = tile.first + tile.begin;
  const int column = head * shape.head_dim;
  const int first_query = keys.length - tile.length + tile.begin;  // its position
  const int last = visible_keys(shape, first_query + tile.rows - 1, keys.length).end;
  int key = visible_keys(shape, first_query, keys.length).begin / key_tile * key_tile;
  const int key_column = head / shape.group * shape.head_dim;
  const HeadRows k(t.k, 0, key_column);
  const HeadRows v(t.v, 0, key_column);

  const int thread = static_cast<int>(threadIdx.x);
  const auto key_row = [&](int position) {
    return position < last ? static_cast<int>(keys.row(position)) : no_row;
  };
  const auto request = [&](int stage) {
    const auto index = [&](int key) { return shared.key_rows[stage][key]; };
    copy_rows<vectors>(shared.stages[stage].keys, k, shape.head_dim, index);
    copy_rows<vectors>(shared.stages[stage].values, v, shape.head_dim, index);
    end_copies();
  };
  if (thread < 2 * key_tile) shared.key_rows[thread / key_tile][thread % key_tile] = key_row(key + thread);
  copy_rows<vectors>(shared.q, HeadRows(t.q, first_row, column), shape.head_dim, FirstRows{tile.rows});
  __syncthreads();
  request(0);
  meet_copies();

  const int query = first_query + rows_of_block(0);
  const std::conditional_t<Shared::keeps_queries, KeptRows<blocks, dim>, SharedRows<blocks, dim>> queries(
      shared.q);
  FlashSums<dim, blocks> sums;
  const float scale = shape.scale * log2_e;
  for (int stage = 0; key < last; key += key_tile, stage ^= 1) {
    meet_copies();  // the tile is there, the one before has been used
    if (key + key_tile < last) request(stage ^ 1);
    if (thread < key_tile) shared.key_rows[stage][thread] = key_row(key + 2 * key_tile + thread);
    const Sight sight(shape, query, query + (blocks - 1) * flash_rows + 15, key, key + key_tile - 1,
                      keys.length);
    if (!has_warpgroup_mma && !sight.any) continue;
    const auto& [key_part, values] = shared.stages[stage];
    float scores[blocks][key_tile / 8][4];
    multiply_with_rows<dim>(scores, queries, key_part);
    finish_products(scores);
    if (!sight.all) {
      const Seen seen(shape, query + lane_of_warp() / 4, key + lane_of_warp() % 4 * 2, keys.length);
      seen.visit([&](auto sees) { hide(scores, sees); });
    }
    sums.add(scores, scale);
    Weights weights(scores);
    add_weighted<dim>(sums.out, weights, values);
    finish_products(sums.out, weights.values);
  }

  float factors[blocks][2];
#pragma unroll
  for (int m = 0; m < blocks; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float total = sums.total(m, half);
      factors[m][half] = 1.0f / total;
      const int row = rows_of_block(m) + half * 8 + lane_of_warp() / 4;
      if (t.lse.data != nullptr && lane_of_warp() % 4 == 0 && row < tile.rows) {
        t.lse[first_row + row][head] = sums.maximum[m][half] * shape.scale + logf(total);
      }
    }
  }
  __syncthreads();  // the queries have been used
  store_rows<vectors>(shared.q, sums.out, factors, tile.rows, shape.head_dim,
                      [&](int r) { return t.out[first_row + r] + column; });
}

template <int dim, int blocks, bool vectors>
void launch(Context& ctx, const ForwardTensors<bfloat16>& tensors, const Pages& cache, const Tensor& offsets,
            std::int64_t tokens, const AttentionOptions& options) {
  using Shared = FlashForward<dim, blocks>;
  const unsigned grid = tile_bound(tokens, offsets, Shared::rows) * static_cast<unsigned>(options.heads);
  allow_shared_memory(flash_forward<dim, blocks, vectors>, sizeof(Shared));
  ARTEMIS_LAUNCH(flash_forward<dim, blocks, vectors><<<grid, flash_threads, sizeof(Shared), stream(ctx)>>>(
      tensors, cache, sequences_of(offsets), shape_of(options)));
}

}  // namespace

void launch_flash_forward(Context& ctx, const ForwardTensors<bfloat16>& tensors, const Pages& cache,
                          const Tensor& offsets, std::int64_t tokens, const AttentionOptions& options) {
  check_scale(options.scale);
  ARTEMIS_ASSERT(strides_fit(tensors.q, tensors.k, tensors.v));
  dispatch_flash_dim(options.head_dim, [&](auto extent) {
    constexpr int dim = decltype(extent)::dim;
    if (!by_vectors(options.head_dim, tensors.q, tensors.k, tensors.v, tensors.out)) {
      return launch<dim, 1, false>(ctx, tensors, cache, offsets, tokens, options);
    }
    // Large tiles read keys less often; small ones fill the device where there are few.
    const std::int64_t large_tiles = tile_bound(tokens, offsets, FlashForward<dim, 2>::rows) * options.heads;
    const bool fills =
        !ctx.batch_invariant() && large_tiles >= 2 * device_attribute(ctx, cudaDevAttrMultiProcessorCount);
    const auto chosen = fills ? launch<dim, 2, true> : launch<dim, 1, true>;
    chosen(ctx, tensors, cache, offsets, tokens, options);
  });
}

}  // namespace artemis::cuda

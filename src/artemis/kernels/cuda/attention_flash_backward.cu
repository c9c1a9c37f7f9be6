// The gradient of bf16 attention on tensor cores (docs/derivations/attention.md): probabilities are computed
// again from lse. Two passes, so that each sum has one order: tiles of queries for d_q, tiles of keys for d_k
// and d_v. Both keep the rows that their warps own in registers, where the scores become the left factors of
// the next products without a way through memory.
#include "artemis/kernels/cuda/attention_backward.cuh"
#include "artemis/kernels/cuda/attention_flash.cuh"

namespace artemis::cuda {
namespace {

constexpr int tile_rows = flash_rows;  // a block's own, and those that pass by

// Of a query and a head, as (heads, tokens): lse for powers of two, and delta = d_out . out.
using Statistics = float2;

// Tiles of queries and d_out, or of keys and values.
template <int dim>
struct TilePair {
  FlashTile<tile_rows, dim> first, second;
};

template <int dim>
struct BackwardShared {
  TilePair<dim> own;                    // results leave through them
  TilePair<dim> passing[2];             // in use, and on the way
  Statistics statistics[2][tile_rows];  // of passing queries
};

// The sum with the products of two pairs of bf16.
__device__ inline float dot_pair(unsigned a, unsigned b, float sum) {
  const auto low = [](unsigned pair) { return __uint_as_float(pair << 16); };
  const auto high = [](unsigned pair) { return __uint_as_float(pair & 0xffff0000u); };
  return fmaf(low(a), low(b), fmaf(high(a), high(b), sum));
}

// a . b of the lane's row in a half, the same in the four lanes that share it.
template <int dim>
__device__ float dot_rows(const KeptRows<1, dim>& a, const KeptRows<1, dim>& b, int half) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < dim / 16; ++k) {
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      sum = dot_pair(a.values[k][0][half + i], b.values[k][0][half + i], sum);
    }
  }
  sum += __shfl_xor_sync(all_lanes, sum, 1);
  return sum + __shfl_xor_sync(all_lanes, sum, 2);
}

// A score, -inf where hidden, becomes the probability p, and d_p = d_out . v its gradient p (d_p - delta).
__device__ inline void differentiate(float& score, float& d_p, float scale, const Statistics& query) {
  score = power_of_two(fmaf(score, scale, -query.x));
  d_p = score * (d_p - query.y);
}

// d_q = scale d_scores k; leaves the statistics to the second pass. A block for each tile of queries and
// head: the heads of one tile side by side, the last tiles first.
template <int dim, bool vectors>
__global__ void __launch_bounds__(flash_threads, 2)
    flash_query_gradient(BackwardTensors<bfloat16> t, Statistics* statistics, int tokens, Sequences sequences,
                         AttentionShape shape) {
  using OwnRows = std::conditional_t<has_warpgroup_mma, SharedRows<1, dim>, KeptRows<1, dim>>;
  extern __shared__ Aligned dynamic[];
  auto& shared = *reinterpret_cast<BackwardShared<dim>*>(dynamic);
  const int block = static_cast<int>(gridDim.x - 1 - blockIdx.x);
  const int head = shape.heads - 1 - block % shape.heads;
  const Tile tile = find_tile(sequences, tile_rows, block / shape.heads);
  if (tile.rows <= 0) return;
  const int first_row = tile.first + tile.begin;
  const int column = head * shape.head_dim;
  const int key_column = head / shape.group * shape.head_dim;
  const HeadRows k(t.k, tile.first, key_column);
  const HeadRows v(t.v, tile.first, key_column);
  const int my_rows = rows_of_block(0);

  const auto copy_own = [&](FlashTile<tile_rows, dim>& to, Rows<const bfloat16> from) {
    copy_rows<vectors>(to, HeadRows(from, first_row, column), shape.head_dim, FirstRows{tile.rows});
  };
  const int last = visible_keys(shape, tile.begin + tile.rows - 1, tile.length).end;
  int key = visible_keys(shape, tile.begin, tile.length).begin / tile_rows * tile_rows;
  const auto request = [&](int from, int stage) {
    const auto index = [&](int row) { return from + row < last ? from + row : -1; };
    copy_rows<vectors>(shared.passing[stage].first, k, shape.head_dim, index);
    copy_rows<vectors>(shared.passing[stage].second, v, shape.head_dim, index);
    end_copies();
  };
  copy_own(shared.own.first, t.q);
  copy_own(shared.own.second, t.d_out);
  copy_own(shared.passing[1].first, t.out);  // read before the loop's first barrier, behind which keys come
  request(key, 0);
  meet_copies();
  const OwnRows queries(shared.own.first);
  const OwnRows d_out(shared.own.second);
  Statistics mine[2];
  const KeptRows<1, dim> out_rows(shared.passing[1].first);
  const KeptRows<1, dim> d_out_rows(shared.own.second);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = my_rows + half * 8 + lane_of_warp() / 4;
    // Rows past the end repeat the last one; nobody sees what they yield.
    mine[half] = {t.lse[first_row + min(row, tile.rows - 1)][head] * log2_e,
                  dot_rows(d_out_rows, out_rows, half)};
    if (row < tile.rows && lane_of_warp() % 4 == 0) {
      statistics[static_cast<std::int64_t>(head) * tokens + first_row + row] = mine[half];
    }
  }
  const int query = tile.begin + my_rows;
  const float scale = shape.scale * log2_e;
  float sums[1][dim / 8][4] = {};
  for (int stage = 0; key < last; key += tile_rows, stage ^= 1) {
    meet_copies();  // the tile is there, the one before has been used
    if (key + tile_rows < last) request(key + tile_rows, stage ^ 1);
    const Sight sight(shape, query, query + 15, key, key + tile_rows - 1, tile.length);
    if (!has_warpgroup_mma && !sight.any) continue;
    const auto& [keys, values] = shared.passing[stage];
    float scores[1][tile_rows / 8][4];
    float d_scores[1][tile_rows / 8][4];
    multiply_with_rows<dim>(scores, queries, keys);
    multiply_with_rows<dim>(d_scores, d_out, values);
    finish_products(scores, d_scores);
    if (!sight.all) {
      const Seen seen(shape, query + lane_of_warp() / 4, key + lane_of_warp() % 4 * 2, tile.length);
      seen.visit([&](auto sees) { hide(scores, sees); });
    }
#pragma unroll
    for (int n = 0; n < tile_rows / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) differentiate(scores[0][n][i], d_scores[0][n][i], scale, mine[i / 2]);
    }
    Weights weights(d_scores);
    add_weighted<dim>(sums, weights, keys);
    finish_products(sums, weights.values);
  }
  __syncthreads();  // all tiles have been used
  const float factors[1][2] = {{shape.scale, shape.scale}};
  store_rows<vectors>(shared.own.first, sums, factors, tile.rows, shape.head_dim,
                      [&](int r) { return t.d_q[first_row + r] + column; });
}

// d_v = p^T d_out; d_k = scale d_scores^T q, of a tile of keys and a key head, over the heads that share it
// and the queries that see it.
template <int dim, bool vectors>
__device__ void key_tile_gradient(BackwardShared<dim>& shared, const BackwardTensors<bfloat16>& t,
                                  const Statistics* statistics, int tokens, const AttentionShape& shape,
                                  const Tile& tile, int kv_head) {
  const int first_row = tile.first + tile.begin;
  const int key_column = kv_head * shape.head_dim;
  const int my_rows = rows_of_block(0);
  const auto copy_own = [&](FlashTile<tile_rows, dim>& to, Rows<const bfloat16> from) {
    copy_rows<vectors>(to, HeadRows(from, first_row, key_column), shape.head_dim, FirstRows{tile.rows});
  };
  copy_own(shared.own.first, t.k);
  copy_own(shared.own.second, t.v);
  const SharedRows<1, dim> keys(shared.own.first);
  const SharedRows<1, dim> values(shared.own.second);

  // Tiles of queries follow one another, then those of the next head.
  const Visible seeing = seeing_queries(shape, tile);
  const int begin = seeing.begin / tile_rows * tile_rows;
  const auto request = [&](int head, int query, int stage) {
    const auto index = [&](int row) { return query + row < seeing.end ? query + row : -1; };
    const int column = head * shape.head_dim;
    copy_rows<vectors>(shared.passing[stage].first, HeadRows(t.q, tile.first, column), shape.head_dim, index);
    copy_rows<vectors>(shared.passing[stage].second, HeadRows(t.d_out, tile.first, column), shape.head_dim,
                       index);
    if (static_cast<int>(threadIdx.x) < tile_rows) {
      const int row = min(query + static_cast<int>(threadIdx.x), tile.length - 1);
      copy_async_pair(&shared.statistics[stage][threadIdx.x],
                      statistics + static_cast<std::int64_t>(head) * tokens + tile.first + row);
    }
    end_copies();
  };
  int head = kv_head * shape.group;
  const int end_head = head + shape.group;
  int query = begin;
  request(head, query, 0);
  const int key = tile.begin + my_rows;
  const float scale = shape.scale * log2_e;
  float d_k[1][dim / 8][4] = {};
  float d_v[1][dim / 8][4] = {};
  for (int stage = 0; head < end_head; stage ^= 1) {
    meet_copies();  // the tile is there, the one before has been used
    const int here = query;
    query += tile_rows;
    if (query >= seeing.end) {
      query = begin;
      ++head;
    }
    if (head < end_head) request(head, query, stage ^ 1);
    const Sight sight(shape, here, here + tile_rows - 1, key, key + 15, tile.length);
    if (!has_warpgroup_mma && !sight.any) continue;
    const auto& [queries, d_out] = shared.passing[stage];
    float scores[1][tile_rows / 8][4];
    float d_scores[1][tile_rows / 8][4];
    multiply_with_rows<dim>(scores, keys, queries);
    multiply_with_rows<dim>(d_scores, values, d_out);
    finish_products(scores, d_scores);
    const int column = lane_of_warp() % 4 * 2;
    if (!sight.all || here + tile_rows > seeing.end) {
      const int count = seeing.end - here - column;
      const Seen seen(shape, here + column, key + lane_of_warp() / 4, tile.length);
      seen.visit([&](auto sees) { hide(scores, [&](int k, int q) { return q < count && sees(q, k); }); });
    }
#pragma unroll
    for (int n = 0; n < tile_rows / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        differentiate(scores[0][n][i], d_scores[0][n][i], scale,
                      shared.statistics[stage][column + n * 8 + i % 2]);
      }
    }
    Weights p(scores);
    Weights d_p(d_scores);
    add_weighted<dim>(d_v, p, d_out);
    add_weighted<dim>(d_k, d_p, queries);
    finish_products(d_v, d_k, p.values, d_p.values);
  }
  __syncthreads();  // all tiles have been used
  const auto store = [&](FlashTile<tile_rows, dim>& rows, const auto& sums, float factor, Rows<bfloat16> to) {
    const float factors[1][2] = {{factor, factor}};
    store_rows<vectors>(rows, sums, factors, tile.rows, shape.head_dim,
                        [&](int r) { return to[first_row + r] + key_column; });
  };
  store(shared.own.first, d_k, shape.scale, t.d_k);
  store(shared.own.second, d_v, 1.0f, t.d_v);
}

// A block for each tile of keys and key head or (paired) for two tiles, one as far from the start of its
// sequence as the other from the end, so that all blocks of a causal sequence have the same work.
template <int dim, bool vectors>
__global__ void __launch_bounds__(flash_threads, 2)
    flash_key_gradient(BackwardTensors<bfloat16> t, const Statistics* statistics, int tokens,
                       Sequences sequences, AttentionShape shape, bool paired) {
  extern __shared__ Aligned dynamic[];
  auto& shared = *reinterpret_cast<BackwardShared<dim>*>(dynamic);
  const int kv_heads = shape.heads / shape.group;
  const int block = static_cast<int>(blockIdx.x);
  Tile tile = find_tile(sequences, paired ? 2 * tile_rows : tile_rows, block / kv_heads);
  if (tile.rows <= 0) return;
  const int first = paired ? tile.begin / 2 : tile.begin;
  const int second = (tile.length - 1) / tile_rows * tile_rows - first;
#pragma unroll 1
  for (int pass = 0; pass < 2; ++pass) {
    tile.begin = pass == 0 ? first : second;
    tile.rows = min(tile_rows, tile.length - tile.begin);
    key_tile_gradient<dim, vectors>(shared, t, statistics, tokens, shape, tile, block % kv_heads);
    if (!paired || second == first) return;
    __syncthreads();  // what was stored has left shared memory
  }
}

template <int dim, bool vectors>
void launch(Context& ctx, const BackwardTensors<bfloat16>& tensors, const Tensor& offsets,
            std::int64_t tokens, const AttentionOptions& options) {
  const Arena::Scope scope(ctx.arena());
  const Tensor memory = ctx.allocate(DType::f32, {tokens * options.heads, 2});
  auto* statistics = reinterpret_cast<Statistics*>(memory.mutable_data<float>());
  const auto count = static_cast<int>(tokens);
  const AttentionShape shape = shape_of(options);
  const auto blocks = [&](int rows, std::int64_t heads) {
    return tile_bound(tokens, offsets, rows) * static_cast<unsigned>(heads);
  };
  constexpr std::size_t bytes = sizeof(BackwardShared<dim>);
  allow_shared_memory(flash_query_gradient<dim, vectors>, bytes);
  ARTEMIS_LAUNCH(flash_query_gradient<dim, vectors>
                 <<<blocks(tile_rows, options.heads), flash_threads, bytes, stream(ctx)>>>(
                     tensors, statistics, count, sequences_of(offsets), shape));
  // Where all blocks run at once there is nothing to level.
  const unsigned single = blocks(tile_rows, options.kv_heads);
  const bool paired =
      single > 2 * static_cast<unsigned>(device_attribute(ctx, cudaDevAttrMultiProcessorCount));
  const unsigned grid = paired ? blocks(2 * tile_rows, options.kv_heads) : single;
  allow_shared_memory(flash_key_gradient<dim, vectors>, bytes);
  ARTEMIS_LAUNCH(flash_key_gradient<dim, vectors><<<grid, flash_threads, bytes, stream(ctx)>>>(
      tensors, statistics, count, sequences_of(offsets), shape, paired));
}

}  // namespace

void launch_flash_backward(Context& ctx, const BackwardTensors<bfloat16>& tensors, const Tensor& offsets,
                           std::int64_t tokens, const AttentionOptions& options) {
  check_scale(options.scale);
  ARTEMIS_ASSERT(strides_fit(tensors.q, tensors.k, tensors.v, tensors.out, tensors.d_out));
  dispatch_flash_dim(options.head_dim, [&](auto extent) {
    constexpr int dim = decltype(extent)::dim;
    const bool vectors = by_vectors(options.head_dim, tensors.q, tensors.k, tensors.v, tensors.out,
                                    tensors.d_out, tensors.d_q, tensors.d_k, tensors.d_v);
    const auto chosen = vectors ? launch<dim, true> : launch<dim, false>;
    chosen(ctx, tensors, offsets, tokens, options);
  });
}

}  // namespace artemis::cuda

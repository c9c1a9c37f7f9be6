// The gradient of attention (docs/derivations/attention.md): probabilities are computed again from lse. Two
// passes, so that each sum has one order: tiles of queries for d_q, tiles of keys for d_k and d_v.
#include "artemis/kernels/cuda/attention_backward.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Heads of more than 96 and 128 elements have smaller tiles, so that they fit in 99 KiB of shared memory.
template <int dim>
using BackwardTiling = Tiling<dim <= 96    ? 4
                              : dim <= 128 ? 2
                                           : 1,
                              dim <= 128 ? 2 : 1>;

// The two matrices of a block's own rows and the two that pass by.
template <int dim>
struct BackwardTiles : BackwardTiling<dim> {
  using Sizes = BackwardTiling<dim>;
  static constexpr int stride = dim + row_gap;
  float own[2][Sizes::rows * stride];
  float passing[2][Sizes::columns * stride];
  float weights[Sizes::rows * Sizes::score_stride];
};

template <int dim>
constexpr int backward_blocks = dim <= 64 ? least_blocks : 1;

// Where a thread stands in its block.
template <int rows_each>
struct Place {
  int x = static_cast<int>(threadIdx.x) % lanes_x;
  int first_row = static_cast<int>(threadIdx.x) / lanes_x * rows_each;
};

// The thread's weights into shared memory. A warp reads only the rows that it wrote.
template <int rows_each, int columns_each>
__device__ void store_weights(float* weights, const Place<rows_each>& place,
                              const float (&values)[rows_each][columns_each]) {
  constexpr int score_stride = Tiling<rows_each, columns_each>::score_stride;
  __syncwarp();  // the weights before have been used
#pragma unroll
  for (int i = 0; i < rows_each; ++i) {
#pragma unroll
    for (int j = 0; j < columns_each; ++j) {
      weights[(place.first_row + i) * score_stride + place.x + j * lanes_x] = values[i][j];
    }
  }
  __syncwarp();
}

// d_out . out of a row, by the 16 threads that share it.
template <typename T>
__device__ float row_delta(const T* d_out, const T* out, int head_dim, int x) {
  float sum = 0;
  for (int c = x; c < head_dim; c += lanes_x) sum = fmaf(load(d_out[c]), load(out[c]), sum);
  return row_sum(sum);
}

// delta = d_out . out, left to the second pass; d_scores = p (d_out v^T - delta); d_q = scale d_scores k. A
// block for each tile of queries (x) and head (y).
template <typename T, int dim>
__global__ void __launch_bounds__(tile_threads, backward_blocks<dim>)
    query_gradient(BackwardTensors<T> t, Rows<float> delta_of, Sequences sequences, AttentionShape shape) {
  extern __shared__ float4 shared[];
  using Tiles = BackwardTiles<dim>;
  constexpr int rows_each = Tiles::rows_each;
  constexpr int columns_each = Tiles::columns_each;
  constexpr int stride = Tiles::stride;
  auto& tiles = *reinterpret_cast<Tiles*>(shared);
  const Tile tile = find_tile(sequences, Tiles::rows, static_cast<int>(blockIdx.x));
  if (tile.rows <= 0) return;
  const int head = static_cast<int>(blockIdx.y);
  const std::int64_t column = static_cast<std::int64_t>(head) * shape.head_dim;
  const std::int64_t key_column = static_cast<std::int64_t>(head / shape.group) * shape.head_dim;
  const std::int64_t first_row = static_cast<std::int64_t>(tile.first) + tile.begin;
  const Place<rows_each> place;

  load_tile<dim, Tiles::rows, stride>(tiles.own[0], tile.rows, shape.head_dim, shape.scale,
                                      [&](int r) { return t.q[first_row + r] + column; });
  load_tile<dim, Tiles::rows, stride>(tiles.own[1], tile.rows, shape.head_dim, 1.0f,
                                      [&](int r) { return t.d_out[first_row + r] + column; });
  float lse[rows_each];
  float delta[rows_each];
  for (int i = 0; i < rows_each; ++i) {
    // Rows past the end repeat the last one; nobody sees what they yield.
    const int r = min(place.first_row + i, tile.rows - 1);
    lse[i] = t.lse[first_row + r][head];
    delta[i] =
        row_delta(t.d_out[first_row + r] + column, t.out[first_row + r] + column, shape.head_dim, place.x);
    if (place.x == 0) delta_of[first_row + r][head] = delta[i];
  }

  float sums[rows_each][dim / lanes_x] = {};
  const int last = visible_keys(shape, tile.begin + tile.rows - 1, tile.length).end;
  int key = visible_keys(shape, tile.begin, tile.length).begin / Tiles::columns * Tiles::columns;
  for (; key < last; key += Tiles::columns) {
    const std::int64_t key_row = static_cast<std::int64_t>(tile.first) + key;
    const int count = min(Tiles::columns, last - key);
    __syncthreads();  // the tile before has been used
    load_tile<dim, Tiles::columns, stride>(tiles.passing[0], count, shape.head_dim, 1.0f,
                                           [&](int r) { return t.k[key_row + r] + key_column; });
    load_tile<dim, Tiles::columns, stride>(tiles.passing[1], count, shape.head_dim, 1.0f,
                                           [&](int r) { return t.v[key_row + r] + key_column; });
    __syncthreads();
    float scores[rows_each][columns_each];
    float d_scores[rows_each][columns_each];
    multiply_rows<dim>(scores, tiles.own[0], tiles.passing[0]);
    multiply_rows<dim>(d_scores, tiles.own[1], tiles.passing[1]);
#pragma unroll
    for (int i = 0; i < rows_each; ++i) {
      const Visible visible = visible_keys(shape, tile.begin + place.first_row + i, tile.length);
#pragma unroll
      for (int j = 0; j < columns_each; ++j) {
        const bool seen = visible.contains(key + place.x + j * lanes_x);
        d_scores[i][j] = seen ? expf(scores[i][j] - lse[i]) * (d_scores[i][j] - delta[i]) : 0.0f;
      }
    }
    store_weights(tiles.weights, place, d_scores);
    add_weighted_rows<dim, stride, Tiles>(sums, tiles.weights, tiles.passing[0]);
  }
#pragma unroll
  for (int i = 0; i < rows_each; ++i) {
    const int r = place.first_row + i;
    if (r < tile.rows) {
      store_sums<T, dim>(t.d_q[first_row + r] + column, sums[i], shape.head_dim, shape.scale);
    }
  }
}

// d_v = p^T d_out; d_k = d_scores^T (scale q). A block for each tile of keys (x) and each key head (y), over
// the heads that share it and the queries that see it.
template <typename T, int dim>
__global__ void __launch_bounds__(tile_threads, backward_blocks<dim>)
    key_gradient(BackwardTensors<T> t, Rows<float> delta_of, Sequences sequences, AttentionShape shape) {
  extern __shared__ float4 shared[];
  using Tiles = BackwardTiles<dim>;
  constexpr int rows_each = Tiles::rows_each;
  constexpr int columns_each = Tiles::columns_each;
  constexpr int stride = Tiles::stride;
  auto& tiles = *reinterpret_cast<Tiles*>(shared);
  const Tile tile = find_tile(sequences, Tiles::rows, static_cast<int>(blockIdx.x));
  if (tile.rows <= 0) return;
  const int kv_head = static_cast<int>(blockIdx.y);
  const std::int64_t key_column = static_cast<std::int64_t>(kv_head) * shape.head_dim;
  const std::int64_t first_row = static_cast<std::int64_t>(tile.first) + tile.begin;
  const Place<rows_each> place;

  load_tile<dim, Tiles::rows, stride>(tiles.own[0], tile.rows, shape.head_dim, 1.0f,
                                      [&](int r) { return t.k[first_row + r] + key_column; });
  load_tile<dim, Tiles::rows, stride>(tiles.own[1], tile.rows, shape.head_dim, 1.0f,
                                      [&](int r) { return t.v[first_row + r] + key_column; });
  float d_k[rows_each][dim / lanes_x] = {};
  float d_v[rows_each][dim / lanes_x] = {};
  const Visible queries = seeing_queries(shape, tile);
  for (int head = kv_head * shape.group; head < (kv_head + 1) * shape.group; ++head) {
    const std::int64_t column = static_cast<std::int64_t>(head) * shape.head_dim;
    for (int query = queries.begin; query < queries.end; query += Tiles::columns) {
      const std::int64_t query_row = static_cast<std::int64_t>(tile.first) + query;
      const int count = min(Tiles::columns, queries.end - query);
      __syncthreads();  // the tile before has been used
      load_tile<dim, Tiles::columns, stride>(tiles.passing[0], count, shape.head_dim, shape.scale,
                                             [&](int r) { return t.q[query_row + r] + column; });
      load_tile<dim, Tiles::columns, stride>(tiles.passing[1], count, shape.head_dim, 1.0f,
                                             [&](int r) { return t.d_out[query_row + r] + column; });
      __syncthreads();
      float weights[rows_each][columns_each];
      float d_scores[rows_each][columns_each];
      multiply_rows<dim>(weights, tiles.own[0], tiles.passing[0]);
      multiply_rows<dim>(d_scores, tiles.own[1], tiles.passing[1]);
#pragma unroll
      for (int j = 0; j < columns_each; ++j) {
        const int c = place.x + j * lanes_x;
        const bool exists = c < count;
        const float lse = exists ? t.lse[query_row + c][head] : 0.0f;
        const float delta = exists ? delta_of[query_row + c][head] : 0.0f;
        const Visible visible = visible_keys(shape, query + c, tile.length);
#pragma unroll
        for (int i = 0; i < rows_each; ++i) {
          const bool seen = exists && visible.contains(tile.begin + place.first_row + i);
          weights[i][j] = seen ? expf(weights[i][j] - lse) : 0.0f;
          d_scores[i][j] = seen ? weights[i][j] * (d_scores[i][j] - delta) : 0.0f;
        }
      }
      store_weights(tiles.weights, place, weights);
      add_weighted_rows<dim, stride, Tiles>(d_v, tiles.weights, tiles.passing[1]);
      store_weights(tiles.weights, place, d_scores);
      add_weighted_rows<dim, stride, Tiles>(d_k, tiles.weights, tiles.passing[0]);
    }
  }
#pragma unroll
  for (int i = 0; i < rows_each; ++i) {
    const int r = place.first_row + i;
    if (r >= tile.rows) continue;
    store_sums<T, dim>(t.d_k[first_row + r] + key_column, d_k[i], shape.head_dim, 1.0f);
    store_sums<T, dim>(t.d_v[first_row + r] + key_column, d_v[i], shape.head_dim, 1.0f);
  }
}

template <typename T>
void launch_scalar(Context& ctx, const BackwardTensors<T>& tensors, const Tensor& offsets,
                   std::int64_t tokens, const AttentionOptions& options) {
  const Arena::Scope scope(ctx.arena());
  const Tensor memory = ctx.allocate(DType::f32, {tokens, options.heads});
  const Rows<float> delta = mutable_rows_of<float>(memory);
  dispatch_head_dim<scalar_above<T>>(options.head_dim, [&](auto extent) {
    constexpr int dim = decltype(extent)::dim;
    constexpr std::size_t bytes = sizeof(BackwardTiles<dim>);
    const unsigned tiles = tile_bound(tokens, offsets, BackwardTiles<dim>::rows);
    const dim3 query_grid(tiles, static_cast<unsigned>(options.heads));
    const dim3 key_grid(tiles, static_cast<unsigned>(options.kv_heads));
    allow_shared_memory(query_gradient<T, dim>, bytes);
    ARTEMIS_LAUNCH(query_gradient<T, dim><<<query_grid, tile_threads, bytes, stream(ctx)>>>(
        tensors, delta, sequences_of(offsets), shape_of(options)));
    allow_shared_memory(key_gradient<T, dim>, bytes);
    ARTEMIS_LAUNCH(key_gradient<T, dim><<<key_grid, tile_threads, bytes, stream(ctx)>>>(
        tensors, delta, sequences_of(offsets), shape_of(options)));
  });
}

}  // namespace

void attention_backward(Context& ctx, const Tensor& d_q, const Tensor& d_k, const Tensor& d_v,
                        const Tensor& d_out, const Tensor& out, const Tensor& lse, const Tensor& q,
                        const Tensor& k, const Tensor& v, const Tensor& offsets,
                        const AttentionOptions& options) {
  const std::int64_t tokens = q.dim(0);
  if (tokens == 0) return;
  dispatch_real(q.dtype(), [&](auto element) {
    using T = decltype(element);
    const BackwardTensors<T> tensors = {
        mutable_rows_of<T>(d_q), mutable_rows_of<T>(d_k), mutable_rows_of<T>(d_v),
        rows_of<T>(d_out),       rows_of<T>(out),         rows_of<T>(q),
        rows_of<T>(k),           rows_of<T>(v),           rows_of<float>(lse)};
    if constexpr (std::is_same_v<T, bfloat16>) {
      if (options.head_dim <= flash_most_dim) {
        return launch_flash_backward(ctx, tensors, offsets, tokens, options);
      }
    }
    launch_scalar(ctx, tensors, offsets, tokens, options);
  });
}

}  // namespace artemis::cuda

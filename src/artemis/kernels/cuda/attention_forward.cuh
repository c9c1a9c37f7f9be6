// Attention of one tile of queries, over keys that lie one after the other or in pages.
#pragma once

#include "artemis/kernels/cuda/attention_tiles.cuh"

namespace artemis::cuda {

// Where the keys and values of a sequence lie: in its own rows, or (pages not null) in the rows of a cache
// that holds `lengths` of them, the sequence's tokens being the last.
struct Pages {
  const std::int32_t* pages = nullptr;
  std::int64_t stride = 0;
  int size = 1;
  const std::int32_t* lengths = nullptr;
};

struct KeyRows {
  const std::int32_t* pages;
  int page_size, first, length;

  __device__ KeyRows(const Pages& cache, int sequence, int first_row, int rows)
      : pages(cache.pages != nullptr ? cache.pages + sequence * cache.stride : nullptr),
        page_size(cache.size),
        first(first_row),
        length(cache.pages != nullptr ? cache.lengths[sequence] : rows) {}

  __device__ std::int64_t row(int position) const {
    if (pages == nullptr) return static_cast<std::int64_t>(first) + position;
    return static_cast<std::int64_t>(pages[position / page_size]) * page_size + position % page_size;
  }
};

template <typename T>
struct ForwardTensors {
  Rows<T> out;
  Rows<float> lse;  // data may be null
  Rows<const T> q, k, v;
};

template <int dim>
struct ForwardTiles : Tiling<dim <= 128 ? 4 : 2, dim <= 128 ? 2 : 1> {
  using Sizes = Tiling<dim <= 128 ? 4 : 2, dim <= 128 ? 2 : 1>;
  static constexpr int stride = dim + row_gap;
  float q[Sizes::rows * stride];
  float k[Sizes::columns * stride];
  float v[Sizes::columns * dim];
  float weights[Sizes::rows * Sizes::score_stride];
};

// The running softmax of a thread's rows: maximum of the scores, sum of the exponentials and their product
// with the values.
template <int dim, int rows_each, int columns_each>
struct Running {
  float maximum[rows_each];
  float sum[rows_each];
  float out[rows_each][dim / lanes_x];

  __device__ Running() {
    for (int i = 0; i < rows_each; ++i) {
      maximum[i] = -INFINITY;
      sum[i] = 0;
      for (float& value : out[i]) value = 0;
    }
  }

  // Takes the scores of one more tile for row i and makes them weights. Hidden scores are -inf.
  __device__ void add(int i, float (&scores)[columns_each]) {
    float highest = maximum[i];
    for (const float score : scores) highest = fmaxf(highest, score);
    highest = row_max(highest);
    const float shift = highest == -INFINITY ? 0.0f : highest;
    const float factor = expf(maximum[i] - shift);
    maximum[i] = highest;
    sum[i] *= factor;
    for (float& value : out[i]) value *= factor;
    for (float& score : scores) {
      score = expf(score - shift);
      sum[i] += score;
    }
  }
};

// A block for each tile of queries (x) and each head (y).
template <typename T, int dim>
__global__ void __launch_bounds__(tile_threads, least_blocks)
    attend_tile(ForwardTensors<T> t, Pages cache, Sequences sequences, AttentionShape shape) {
  extern __shared__ float4 shared[];
  using Tiles = ForwardTiles<dim>;
  constexpr int rows_each = Tiles::rows_each;
  constexpr int columns_each = Tiles::columns_each;
  auto& tiles = *reinterpret_cast<Tiles*>(shared);
  const Tile tile = find_tile(sequences, Tiles::rows, static_cast<int>(blockIdx.x));
  if (tile.rows <= 0) return;
  const KeyRows keys(cache, tile.sequence, tile.first, tile.length);
  const int past = keys.length - tile.length;
  const int head = static_cast<int>(blockIdx.y);
  const std::int64_t column = static_cast<std::int64_t>(head) * shape.head_dim;
  const std::int64_t key_column = static_cast<std::int64_t>(head / shape.group) * shape.head_dim;
  const std::int64_t first_row = static_cast<std::int64_t>(tile.first) + tile.begin;
  const int x = static_cast<int>(threadIdx.x) % lanes_x;
  const int first_of_mine = static_cast<int>(threadIdx.x) / lanes_x * rows_each;

  load_tile<dim, Tiles::rows, Tiles::stride>(tiles.q, tile.rows, shape.head_dim, shape.scale,
                                             [&](int r) { return t.q[first_row + r] + column; });
  Running<dim, rows_each, columns_each> running;
  const int last = visible_keys(shape, past + tile.begin + tile.rows - 1, keys.length).end;
  // Tiles are counted from position 0 whatever the queries.
  int key = visible_keys(shape, past + tile.begin, keys.length).begin / Tiles::columns * Tiles::columns;
  for (; key < last; key += Tiles::columns) {
    __syncthreads();  // the tile before has been used
    const int count = min(Tiles::columns, last - key);
    load_tile<dim, Tiles::columns, Tiles::stride>(tiles.k, count, shape.head_dim, 1.0f,
                                                  [&](int r) { return t.k[keys.row(key + r)] + key_column; });
    load_tile<dim, Tiles::columns, dim>(tiles.v, count, shape.head_dim, 1.0f,
                                        [&](int r) { return t.v[keys.row(key + r)] + key_column; });
    __syncthreads();
    float scores[rows_each][columns_each];
    multiply_rows<dim>(scores, tiles.q, tiles.k);
#pragma unroll
    for (int i = 0; i < rows_each; ++i) {
      const int r = first_of_mine + i;
      const Visible visible = visible_keys(shape, past + tile.begin + r, keys.length);
#pragma unroll
      for (int j = 0; j < columns_each; ++j) {
        if (!visible.contains(key + x + j * lanes_x)) scores[i][j] = -INFINITY;
      }
      running.add(i, scores[i]);
#pragma unroll
      for (int j = 0; j < columns_each; ++j)
        tiles.weights[r * Tiles::score_stride + x + j * lanes_x] = scores[i][j];
    }
    __syncwarp();  // a warp reads only the weights that it wrote
    add_weighted_rows<dim, dim, Tiles>(running.out, tiles.weights, tiles.v);
  }

#pragma unroll
  for (int i = 0; i < rows_each; ++i) {
    const float sum = row_sum(running.sum[i]);
    if (first_of_mine + i >= tile.rows) continue;
    const std::int64_t row = first_row + first_of_mine + i;
    store_sums<T, dim>(t.out[row] + column, running.out[i], shape.head_dim, 1.0f / sum);
    if (t.lse.data != nullptr && x == 0) t.lse[row][head] = running.maximum[i] + logf(sum);
  }
}

// The same on tensor cores, for heads of at most flash_most_dim elements.
void launch_flash_forward(Context& ctx, const ForwardTensors<bfloat16>& tensors, const Pages& cache,
                          const Tensor& offsets, std::int64_t tokens, const AttentionOptions& options);

// Attention of `tokens` queries, by tiles. Throws Error for heads of more than 256 elements.
template <typename T>
void launch_attend_tiles(Context& ctx, const ForwardTensors<T>& tensors, const Pages& cache,
                         const Tensor& offsets, std::int64_t tokens, const AttentionOptions& options) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (options.head_dim <= flash_most_dim) {
      return launch_flash_forward(ctx, tensors, cache, offsets, tokens, options);
    }
  }
  dispatch_head_dim<scalar_above<T>>(options.head_dim, [&](auto extent) {
    constexpr int dim = decltype(extent)::dim;
    const dim3 grid(tile_bound(tokens, offsets, ForwardTiles<dim>::rows),
                    static_cast<unsigned>(options.heads));
    constexpr std::size_t bytes = sizeof(ForwardTiles<dim>);
    allow_shared_memory(attend_tile<T, dim>, bytes);
    ARTEMIS_LAUNCH(attend_tile<T, dim><<<grid, tile_threads, bytes, stream(ctx)>>>(
        tensors, cache, sequences_of(offsets), shape_of(options)));
  });
}

}  // namespace artemis::cuda

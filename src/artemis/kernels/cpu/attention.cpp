#include "artemis/kernels/attention.h"

#include <cmath>
#include <limits>
#include <utility>

#include "artemis/kernels/cpu/attention_tiles.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// Rows of one piece of work: queries times the heads that share a key.
constexpr std::int64_t block_rows = 96;

// The keys and values of one sequence, by position: rows of the tensors, one after the other or by pages.
struct Keys {
  const Tensor& k;
  const Tensor& v;
  std::int64_t length;
  std::int64_t first_row;
  const std::int32_t* pages;  // null: no pages
  std::int64_t page_size;

  std::int64_t row(std::int64_t position) const {
    if (pages == nullptr) return first_row + position;
    return pages[position / page_size] * page_size + position % page_size;
  }
};

// Queries [begin, end) of a sequence, with all heads of one key head.
struct Block {
  std::int64_t sequence, kv_head, begin, end;
};

// The f32 memory of a block, one part after the other.
struct Tiles {
  float *q, *out, *scores, *k, *k_transposed, *v, *max, *sum;

  Tiles(Scratch& scratch, std::int64_t rows, std::int64_t dim) {
    float* next = scratch.floats(2 * rows * dim + rows * key_tile + 3 * key_tile * dim + 2 * rows);
    const auto take = [&](std::int64_t count) { return std::exchange(next, next + count); };
    q = take(rows * dim);
    out = take(rows * dim);
    scores = take(rows * key_tile);
    k = take(key_tile * dim);
    k_transposed = take(key_tile * dim);
    v = take(key_tile * dim);
    max = take(rows);
    sum = take(rows);
  }
};

class Forward {
 public:
  Forward(const Tensor& out, const Tensor& lse, const Tensor& q, const AttentionOptions& options)
      : out_(out),
        lse_(lse),
        q_(q),
        options_(options),
        group_(options.heads / options.kv_heads),
        dim_(padded(options.head_dim)) {}

  std::int64_t queries_per_block() const { return std::max<std::int64_t>(1, block_rows / group_); }

  // `first` is the row of the sequence's first query, `past` the positions before it.
  void run(const Block& block, const Keys& keys, std::int64_t first, std::int64_t past) const {
    thread_local Scratch scratch;
    thread_local std::vector<std::int32_t> columns;
    const std::int64_t rows = (block.end - block.begin) * group_;
    columns.resize(std::max(columns.size(), static_cast<std::size_t>(2 * rows)));
    std::int32_t* begin = columns.data();
    std::int32_t* end = begin + rows;
    const Tiles tiles(scratch, rows, dim_);
    load_queries(tiles, block, first);

    // Tiles are counted from position 0 whatever the block, so that a query's sums have one order.
    const std::int64_t last = visible_keys(options_, past + block.end - 1, keys.length).end;
    std::int64_t key = visible_keys(options_, past + block.begin, keys.length).begin / key_tile * key_tile;
    for (; key < last; key += key_tile) {
      const std::int64_t count = std::min(key_tile, last - key);
      load_keys(tiles, keys, block.kv_head, key, count);
      for (std::int64_t r = 0; r < rows; ++r) {
        const auto visible = visible_keys(options_, past + block.begin + r / group_, keys.length);
        visible_columns(visible, key, begin[r], end[r]);
      }
      step(tiles, rows, count, begin, end);
    }
    store_results(tiles, block, first);
  }

 private:
  std::int64_t column(const Block& block, std::int64_t row) const {
    return (block.kv_head * group_ + row % group_) * options_.head_dim;
  }

  void load_queries(const Tiles& tiles, const Block& block, std::int64_t first) const {
    const std::int64_t rows = (block.end - block.begin) * group_;
    for (std::int64_t r = 0; r < rows; ++r) {
      float* q = tiles.q + r * dim_;
      load_head(q, q_, first + block.begin + r / group_, column(block, r), options_.head_dim);
      for (std::int64_t i = 0; i < dim_; ++i) q[i] *= options_.scale;
    }
    std::fill_n(tiles.out, rows * dim_, 0.0f);
    std::fill_n(tiles.max, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(tiles.sum, rows, 0.0f);
  }

  void load_keys(const Tiles& tiles, const Keys& keys, std::int64_t kv_head, std::int64_t key,
                 std::int64_t count) const {
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t row = keys.row(key + j);
      load_head(tiles.k + j * dim_, keys.k, row, kv_head * options_.head_dim, options_.head_dim);
      load_head(tiles.v + j * dim_, keys.v, row, kv_head * options_.head_dim, options_.head_dim);
      if (key + j + key_tile < keys.length) prefetch(keys, kv_head, key + j + key_tile);
    }
    micro_kernels().transpose(tiles.k_transposed, key_tile, tiles.k, dim_, padded(count), dim_);
  }

  // A head's rows lie in different pages, where the processor's own prefetching does not reach.
  void prefetch(const Keys& keys, std::int64_t kv_head, std::int64_t position) const {
    constexpr std::size_t line = 64;
    const std::size_t element = dtype_size(keys.k.dtype());
    const auto column = static_cast<std::size_t>(kv_head * options_.head_dim) * element;
    const std::int64_t row = keys.row(position);
    const std::byte* k =
        keys.k.raw() + static_cast<std::size_t>(row * keys.k.row_stride()) * element + column;
    const std::byte* v =
        keys.v.raw() + static_cast<std::size_t>(row * keys.v.row_stride()) * element + column;
    for (std::size_t i = 0; i < static_cast<std::size_t>(options_.head_dim) * element; i += line) {
      __builtin_prefetch(k + i);
      __builtin_prefetch(v + i);
    }
  }

  void step(const Tiles& tiles, std::int64_t rows, std::int64_t count, const std::int32_t* begin,
            const std::int32_t* end) const {
    const MicroKernels& micro = micro_kernels();
    std::fill_n(tiles.scores, rows * key_tile, 0.0f);
    micro.multiply_add(tiles.scores, key_tile, tiles.q, dim_, 1, tiles.k_transposed, key_tile, rows,
                       padded(count), options_.head_dim);
    micro.softmax_step(tiles.scores, rows, begin, end, tiles.max, tiles.sum, tiles.out, dim_);
    micro.multiply_add(tiles.out, dim_, tiles.scores, key_tile, 1, tiles.v, dim_, rows, dim_, count);
  }

  void store_results(const Tiles& tiles, const Block& block, std::int64_t first) const {
    for (std::int64_t r = 0; r < (block.end - block.begin) * group_; ++r) {
      const std::int64_t row = first + block.begin + r / group_;
      store_head(out_, row, column(block, r), options_.head_dim, tiles.out + r * dim_, 1.0f / tiles.sum[r]);
      if (!lse_) continue;
      const std::int64_t head = block.kv_head * group_ + r % group_;
      lse_.mutable_data<float>()[row * lse_.row_stride() + head] = tiles.max[r] + std::log(tiles.sum[r]);
    }
  }

  const Tensor& out_;
  const Tensor& lse_;
  const Tensor& q_;
  const AttentionOptions& options_;
  std::int64_t group_;
  std::int64_t dim_;
};

std::vector<Block> cut_blocks(const Tensor& offsets, std::int64_t kv_heads, std::int64_t queries) {
  std::vector<Block> blocks;
  const auto first = offsets.values<std::int32_t>();
  for (std::size_t s = 0; s + 1 < first.size(); ++s) {
    const std::int64_t count = first[s + 1] - first[s];
    for (std::int64_t head = 0; head < kv_heads; ++head) {
      for (std::int64_t begin = 0; begin < count; begin += queries) {
        blocks.push_back({static_cast<std::int64_t>(s), head, begin, std::min(begin + queries, count)});
      }
    }
  }
  return blocks;
}

}  // namespace

void attention_forward(Context& ctx, const Tensor& out, const Tensor& lse, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& offsets, const AttentionOptions& options) {
  const Forward forward(out, lse, q, options);
  const std::vector<Block> blocks = cut_blocks(offsets, options.kv_heads, forward.queries_per_block());
  const std::int32_t* first = offsets.data<std::int32_t>();
  ctx.pool().run(static_cast<std::int64_t>(blocks.size()), [&](std::int64_t i) {
    const Block& block = blocks[static_cast<std::size_t>(i)];
    const std::int64_t start = first[block.sequence];
    const Keys keys = {.k = k,
                       .v = v,
                       .length = first[block.sequence + 1] - start,
                       .first_row = start,
                       .pages = nullptr,
                       .page_size = 0};
    forward.run(block, keys, start, 0);
  });
}

void cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& q, const Tensor& k_cache,
                              const Tensor& v_cache, const Tensor& page_table, const Tensor& lengths,
                              const Tensor& offsets, std::int64_t page_size,
                              const AttentionOptions& options) {
  const Tensor no_lse;
  const Forward forward(out, no_lse, q, options);
  const std::vector<Block> blocks = cut_blocks(offsets, options.kv_heads, forward.queries_per_block());
  const std::int32_t* first = offsets.data<std::int32_t>();
  ctx.pool().run(static_cast<std::int64_t>(blocks.size()), [&](std::int64_t i) {
    const Block& block = blocks[static_cast<std::size_t>(i)];
    const std::int64_t start = first[block.sequence];
    const std::int64_t length = lengths.data<std::int32_t>()[block.sequence];
    const Keys keys = {.k = k_cache,
                       .v = v_cache,
                       .length = length,
                       .first_row = 0,
                       .pages = page_table.data<std::int32_t>() + block.sequence * page_table.row_stride(),
                       .page_size = page_size};
    forward.run(block, keys, start, length - (first[block.sequence + 1] - start));
  });
}

void rotary_cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& qkv,
                                     const Tensor& k_cache, const Tensor& v_cache, const Tensor& rows,
                                     const Tensor& cos, const Tensor& sin, const Tensor& page_table,
                                     const Tensor& lengths, const Tensor& offsets, std::int64_t page_size,
                                     const AttentionOptions& options) {
  cpu::rotary_to_cache(ctx, qkv, k_cache, v_cache, rows, cos, sin, options.head_dim);
  cpu::cached_attention_forward(ctx, out, qkv.columns(0, options.heads * options.head_dim), k_cache, v_cache,
                                page_table, lengths, offsets, page_size, options);
}

}  // namespace artemis::cpu

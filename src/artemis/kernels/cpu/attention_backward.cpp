// The gradient of attention (docs/derivations/attention.md): probabilities are computed again from lse.
#include <utility>

#include "artemis/kernels/cpu/attention_tiles.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

constexpr std::int64_t block_rows = 96;

struct Gradients {
  const Tensor &d_q, &d_k, &d_v, &d_out, &out, &lse, &q, &k, &v;
  const AttentionOptions& options;
};

// One sequence and one key head with the heads that share it; row r is query r / group, head r % group.
class Backward {
 public:
  Backward(const Gradients& tensors, std::int64_t first, std::int64_t length, std::int64_t kv_head)
      : t_(tensors),
        first_(first),
        length_(length),
        kv_head_(kv_head),
        group_(tensors.options.heads / tensors.options.kv_heads),
        dim_(padded(tensors.options.head_dim)),
        rows_(length * group_) {
    thread_local Scratch scratch;
    float* next =
        scratch.floats(3 * rows_ * dim_ + 2 * rows_ + 2 * block_rows * key_tile + 6 * key_tile * dim_);
    const auto take = [&](std::int64_t count) { return std::exchange(next, next + count); };
    q_ = take(rows_ * dim_);
    d_out_ = take(rows_ * dim_);
    d_q_ = take(rows_ * dim_);
    lse_ = take(rows_);
    delta_ = take(rows_);
    p_ = take(block_rows * key_tile);
    d_scores_ = take(block_rows * key_tile);
    k_ = take(key_tile * dim_);
    v_ = take(key_tile * dim_);
    k_transposed_ = take(key_tile * dim_);
    v_transposed_ = take(key_tile * dim_);
    d_k_ = take(key_tile * dim_);
    d_v_ = take(key_tile * dim_);
  }

  // Key tiles one after the other, and within each the blocks of queries: each sum has one order.
  void run() {
    load_queries();
    for (std::int64_t key = 0; key < length_; key += key_tile) {
      const std::int64_t count = std::min(key_tile, length_ - key);
      load_keys(key, count);
      const std::int64_t end = end_of_queries(key + count - 1) * group_;
      for (std::int64_t row = t_.options.causal ? key * group_ : 0; row < end; row += block_rows) {
        add_block(key, count, row, std::min(block_rows, end - row));
      }
      for (std::int64_t j = 0; j < count; ++j) {
        store_head(t_.d_k, first_ + key + j, key_column(), t_.options.head_dim, d_k_ + j * dim_, 1.0f);
        store_head(t_.d_v, first_ + key + j, key_column(), t_.options.head_dim, d_v_ + j * dim_, 1.0f);
      }
    }
    for (std::int64_t r = 0; r < rows_; ++r) {
      store_head(t_.d_q, first_ + r / group_, query_column(r), t_.options.head_dim, d_q_ + r * dim_,
                 t_.options.scale);
    }
  }

 private:
  std::int64_t key_column() const { return kv_head_ * t_.options.head_dim; }
  std::int64_t query_column(std::int64_t row) const {
    return (kv_head_ * group_ + row % group_) * t_.options.head_dim;
  }

  // One past the last query that sees this key.
  std::int64_t end_of_queries(std::int64_t key) const {
    return t_.options.window > 0 ? std::min(length_, key + t_.options.window) : length_;
  }

  void load_queries() {
    std::vector<float> out(static_cast<std::size_t>(dim_));
    for (std::int64_t r = 0; r < rows_; ++r) {
      const std::int64_t token = first_ + r / group_;
      float* q = q_ + r * dim_;
      float* d_out = d_out_ + r * dim_;
      load_head(q, t_.q, token, query_column(r), t_.options.head_dim);
      for (std::int64_t i = 0; i < dim_; ++i) q[i] *= t_.options.scale;
      load_head(d_out, t_.d_out, token, query_column(r), t_.options.head_dim);
      load_head(out.data(), t_.out, token, query_column(r), t_.options.head_dim);
      float delta = 0;
      for (std::int64_t i = 0; i < dim_; ++i) delta += d_out[i] * out[static_cast<std::size_t>(i)];
      delta_[r] = delta;
      lse_[r] = t_.lse.data<float>()[token * t_.lse.row_stride() + kv_head_ * group_ + r % group_];
    }
    std::fill_n(d_q_, rows_ * dim_, 0.0f);
  }

  void load_keys(std::int64_t key, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      load_head(k_ + j * dim_, t_.k, first_ + key + j, key_column(), t_.options.head_dim);
      load_head(v_ + j * dim_, t_.v, first_ + key + j, key_column(), t_.options.head_dim);
    }
    std::fill(k_ + count * dim_, k_ + padded(count) * dim_, 0.0f);
    std::fill(v_ + count * dim_, v_ + padded(count) * dim_, 0.0f);
    micro_kernels().transpose(k_transposed_, key_tile, k_, dim_, padded(count), dim_);
    micro_kernels().transpose(v_transposed_, key_tile, v_, dim_, padded(count), dim_);
    std::fill_n(d_k_, key_tile * dim_, 0.0f);
    std::fill_n(d_v_, key_tile * dim_, 0.0f);
  }

  // p = softmax; d_v += p^T d_out; d_scores = p (d_out v^T - delta); d_k += d_scores^T q; d_q += d_scores k.
  void add_block(std::int64_t key, std::int64_t count, std::int64_t row, std::int64_t rows) {
    const MicroKernels& micro = micro_kernels();
    const std::int64_t head_dim = t_.options.head_dim;
    const float* q = q_ + row * dim_;
    const float* d_out = d_out_ + row * dim_;
    std::int32_t begin[block_rows];
    std::int32_t end[block_rows];
    for (std::int64_t r = 0; r < rows; ++r) {
      visible_columns(visible_keys(t_.options, (row + r) / group_, length_), key, begin[r], end[r]);
    }
    std::fill_n(p_, rows * key_tile, 0.0f);
    micro.multiply_add(p_, key_tile, q, dim_, 1, k_transposed_, key_tile, rows, padded(count), head_dim);
    micro.probabilities(p_, rows, begin, end, lse_ + row);
    micro.multiply_add(d_v_, dim_, p_, 1, key_tile, d_out, dim_, count, dim_, rows);
    std::fill_n(d_scores_, rows * key_tile, 0.0f);
    micro.multiply_add(d_scores_, key_tile, d_out, dim_, 1, v_transposed_, key_tile, rows, padded(count),
                       head_dim);
    micro.softmax_gradient(d_scores_, p_, rows, delta_ + row);
    micro.multiply_add(d_k_, dim_, d_scores_, 1, key_tile, q, dim_, count, dim_, rows);
    micro.multiply_add(d_q_ + row * dim_, dim_, d_scores_, key_tile, 1, k_, dim_, rows, dim_, count);
  }

  const Gradients& t_;
  std::int64_t first_, length_, kv_head_, group_, dim_, rows_;
  float *q_, *d_out_, *d_q_, *lse_, *delta_, *p_, *d_scores_;
  float *k_, *v_, *k_transposed_, *v_transposed_, *d_k_, *d_v_;
};

}  // namespace

void attention_backward(Context& ctx, const Tensor& d_q, const Tensor& d_k, const Tensor& d_v,
                        const Tensor& d_out, const Tensor& out, const Tensor& lse, const Tensor& q,
                        const Tensor& k, const Tensor& v, const Tensor& offsets,
                        const AttentionOptions& options) {
  const Gradients tensors = {d_q, d_k, d_v, d_out, out, lse, q, k, v, options};
  const std::int64_t sequences = offsets.dim(0) - 1;
  const std::int32_t* first = offsets.data<std::int32_t>();
  ctx.pool().run(sequences * options.kv_heads, [&](std::int64_t i) {
    const std::int64_t s = i / options.kv_heads;
    Backward(tensors, first[s], first[s + 1] - first[s], i % options.kv_heads).run();
  });
}

}  // namespace artemis::cpu

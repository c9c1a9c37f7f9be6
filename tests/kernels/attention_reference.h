// Attention and its gradient in double precision, written down plainly, and inputs for both.
#pragma once

#include <algorithm>
#include <numeric>

#include "artemis/kernels/attention.h"
#include "random_tensor.h"

namespace artemis::testing {

struct AttentionCase {
  AttentionOptions options;
  std::vector<std::int32_t> lengths;

  std::int64_t tokens() const { return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}); }
};

struct AttentionInputs {
  Tensor q, k, v, d_out, offsets;
  Tensor out, lse, d_q, d_k, d_v;
};

// Elements between the rows of matrices, the queries' and the keys'.
struct RowGaps {
  std::int64_t queries = 6;
  std::int64_t keys = 2;
};

// All with gaps between rows; what operations write is filled with other numbers first.
inline AttentionInputs make_inputs(std::uint64_t seed, DType dtype, const AttentionCase& c,
                                   const RowGaps& gaps = {}) {
  Random random(seed);
  const auto queries = [&] {
    return random_matrix(random, dtype, c.tokens(), c.options.heads * c.options.head_dim, gaps.queries);
  };
  const auto keys = [&] {
    return random_matrix(random, dtype, c.tokens(), c.options.kv_heads * c.options.head_dim, gaps.keys);
  };
  AttentionInputs in = {queries(), keys(), keys(), queries(), {}, queries(), {}, queries(), keys(), keys()};
  in.lse = random_matrix(random, DType::f32, c.tokens(), c.options.heads, 3);
  std::vector<std::int32_t> offsets = {0};
  for (const std::int32_t length : c.lengths) offsets.push_back(offsets.back() + length);
  in.offsets = Tensor::from<std::int32_t>(offsets, {static_cast<std::int64_t>(offsets.size())});
  return in;
}

// P = softmax(scale q k^T), out = P v; d_v = P^T d_out, d_P = d_out v^T,
// d_S = P (d_P - sum_j P d_P), d_q = scale d_S k, d_k = scale d_S^T q.
class AttentionReference {
 public:
  AttentionReference(const AttentionInputs& in, const AttentionCase& c) : in_(in), o_(c.options) {
    const auto size = [&](std::int64_t width) { return static_cast<std::size_t>(c.tokens() * width); };
    out.resize(size(o_.heads * o_.head_dim));
    lse.resize(size(o_.heads));
    d_q.resize(out.size());
    d_k.resize(size(o_.kv_heads * o_.head_dim));
    d_v.resize(d_k.size());
    std::int64_t first = 0;
    for (const std::int32_t length : c.lengths) {
      for (std::int64_t head = 0; head < o_.heads; ++head) {
        for (std::int64_t i = 0; i < length; ++i) query(first, length, head, i);
      }
      first += length;
    }
  }

  std::vector<double> out, lse, d_q, d_k, d_v;

 private:
  bool sees(std::int64_t i, std::int64_t j) const {
    if (!o_.causal) return true;
    return j <= i && (o_.window == 0 || i - j < o_.window);
  }

  double dot(const Tensor& a, std::int64_t row_a, std::int64_t col_a, const Tensor& b, std::int64_t row_b,
             std::int64_t col_b) const {
    double sum = 0;
    for (std::int64_t d = 0; d < o_.head_dim; ++d) {
      sum += value_at(a, row_a, col_a + d) * value_at(b, row_b, col_b + d);
    }
    return sum;
  }

  static double& at(std::vector<double>& values, std::int64_t index) {
    return values[static_cast<std::size_t>(index)];
  }

  void query(std::int64_t first, std::int64_t length, std::int64_t head, std::int64_t i) {
    const std::int64_t col = head * o_.head_dim;
    const std::int64_t kv_head = head / (o_.heads / o_.kv_heads);
    const std::int64_t kv_col = kv_head * o_.head_dim;
    const double scale = static_cast<double>(o_.scale);
    std::vector<std::int64_t> seen;
    std::vector<double> p, d_p;
    for (std::int64_t j = 0; j < length; ++j) {
      if (!sees(i, j)) continue;
      seen.push_back(first + j);
      p.push_back(scale * dot(in_.q, first + i, col, in_.k, first + j, kv_col));
      d_p.push_back(dot(in_.d_out, first + i, col, in_.v, first + j, kv_col));
    }
    const double most = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& score : p) sum += score = std::exp(score - most);
    for (double& score : p) score /= sum;
    at(lse, (first + i) * o_.heads + head) = most + std::log(sum);
    const double delta = std::inner_product(p.begin(), p.end(), d_p.begin(), 0.0);
    for (std::size_t n = 0; n < seen.size(); ++n) {
      const double d_score = scale * p[n] * (d_p[n] - delta);
      for (std::int64_t d = 0; d < o_.head_dim; ++d) {
        const std::int64_t to_q = (first + i) * o_.heads * o_.head_dim + col + d;
        const std::int64_t to_k = seen[n] * o_.kv_heads * o_.head_dim + kv_col + d;
        at(out, to_q) += p[n] * value_at(in_.v, seen[n], kv_col + d);
        at(d_v, to_k) += p[n] * value_at(in_.d_out, first + i, col + d);
        at(d_q, to_q) += d_score * value_at(in_.k, seen[n], kv_col + d);
        at(d_k, to_k) += d_score * value_at(in_.q, first + i, col + d);
      }
    }
  }

  const AttentionInputs& in_;
  const AttentionOptions& o_;
};

struct CachedInputs {
  Tensor q, k, v, page_table, lengths, offsets;
  std::vector<std::int64_t> source_rows;  // of each query, in the uncached batch
};

inline void copy_row(const Tensor& to, std::int64_t to_row, const Tensor& from, std::int64_t from_row) {
  const std::size_t size = dtype_size(from.dtype());
  std::memcpy(to.mutable_raw() + static_cast<std::size_t>(to_row * to.row_stride()) * size,
              from.raw() + static_cast<std::size_t>(from_row * from.row_stride()) * size,
              static_cast<std::size_t>(from.row_size()) * size);
}

// Keys and values of every sequence in pages handed out in a random order; the last `last` tokens (at most)
// of each sequence are its queries.
inline CachedInputs fill_cache(const AttentionInputs& in, const AttentionCase& c, std::int64_t page_size,
                               std::int64_t max_pages, std::int64_t last, std::int64_t gap = 4) {
  Random random(13);
  const auto sequences = static_cast<std::int64_t>(c.lengths.size());
  std::vector<std::int32_t> pages(static_cast<std::size_t>(sequences * max_pages));
  std::iota(pages.begin(), pages.end(), 0);
  for (std::size_t i = pages.size(); i > 1; --i) std::swap(pages[i - 1], pages[random.below(i)]);
  CachedInputs cache;
  cache.k = random_matrix(random, in.k.dtype(), sequences * max_pages * page_size, in.k.dim(1), gap);
  cache.v = random_matrix(random, in.v.dtype(), sequences * max_pages * page_size, in.v.dim(1), gap);
  cache.page_table = Tensor::from<std::int32_t>(pages, {sequences, max_pages});
  cache.lengths = Tensor::from<std::int32_t>(c.lengths, {sequences});
  std::vector<std::int32_t> offsets = {0};
  std::int64_t first = 0;
  for (std::int64_t s = 0; s < sequences; ++s) {
    const std::int64_t length = c.lengths[static_cast<std::size_t>(s)];
    for (std::int64_t p = 0; p < length; ++p) {
      const std::int64_t page = pages[static_cast<std::size_t>(s * max_pages + p / page_size)];
      copy_row(cache.k, page * page_size + p % page_size, in.k, first + p);
      copy_row(cache.v, page * page_size + p % page_size, in.v, first + p);
      if (p >= length - last) cache.source_rows.push_back(first + p);
    }
    offsets.push_back(static_cast<std::int32_t>(cache.source_rows.size()));
    first += length;
  }
  cache.offsets = Tensor::from<std::int32_t>(offsets, {sequences + 1});
  const auto queries = static_cast<std::int64_t>(cache.source_rows.size());
  cache.q = Tensor::allocate(in.q.dtype(), {queries, in.q.dim(1)});
  for (std::int64_t row = 0; row < queries; ++row) {
    copy_row(cache.q, row, in.q, cache.source_rows[static_cast<std::size_t>(row)]);
  }
  return cache;
}

}  // namespace artemis::testing

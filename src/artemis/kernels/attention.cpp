#include "artemis/kernels/attention.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

void check_options(const char* operation, const AttentionOptions& options) {
  require(options.heads > 0 && options.kv_heads > 0 && options.head_dim > 0, operation,
          "heads {}, kv_heads {}, head_dim {}, expected positive numbers", options.heads, options.kv_heads,
          options.head_dim);
  require(options.heads % options.kv_heads == 0, operation, "heads is {}, expected a multiple of kv_heads {}",
          options.heads, options.kv_heads);
  require(options.window >= 0, operation, "window is {}, expected 0 or more", options.window);
  require(options.window == 0 || options.causal, operation, "a window of {} needs causal attention",
          options.window);
}

// A (rows, heads * head_dim) matrix of the operation's dtype.
void check_heads(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                 std::int64_t rows, std::int64_t heads, std::int64_t head_dim, DType dtype) {
  check_shape(ctx, operation, name, tensor, {rows, heads * head_dim});
  check_dtype(operation, name, tensor, dtype);
}

void check_vector(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                  std::int64_t size) {
  check_shape(ctx, operation, name, tensor, {size});
  check_dtype(operation, name, tensor, DType::i32);
  require(tensor.contiguous(), operation, "{} has gaps, expected a contiguous tensor", name);
}

// Values on a GPU are not read back for this.
void check_offsets(const Context& ctx, const char* operation, const Tensor& offsets, std::int64_t tokens) {
  check_vector(ctx, operation, "offsets", offsets, -1);
  require(offsets.dim(0) >= 1, operation, "offsets is empty, expected sequences + 1 values");
  if (offsets.device().kind != DeviceKind::cpu) return;
  const auto values = offsets.values<std::int32_t>();
  require(values.front() == 0, operation, "offsets start at {}, expected 0", values.front());
  for (std::size_t i = 1; i < values.size(); ++i) {
    require(values[i - 1] <= values[i], operation, "offsets fall from {} to {} at {}, expected them to rise",
            values[i - 1], values[i], i);
  }
  require(values.back() == tokens, operation, "offsets end at {}, expected {} tokens", values.back(), tokens);
}

void check_cache(const char* operation, const Tensor& page_table, const Tensor& lengths,
                 const Tensor& offsets, std::int64_t page_size, std::int64_t rows) {
  if (lengths.device().kind != DeviceKind::cpu) return;
  const auto first = offsets.values<std::int32_t>();
  for (std::int64_t s = 0; s < lengths.dim(0); ++s) {
    const std::int64_t length = lengths.data<std::int32_t>()[s];
    const auto i = static_cast<std::size_t>(s);
    require(length >= first[i + 1] - first[i], operation,
            "sequence {} has {} tokens in the cache, expected at least its {} new ones", s, length,
            first[i + 1] - first[i]);
    const std::int64_t pages = (length + page_size - 1) / page_size;
    require(pages <= page_table.dim(1), operation, "sequence {} needs {} pages, the table has {}", s, pages,
            page_table.dim(1));
    const std::int32_t* table = page_table.data<std::int32_t>() + s * page_table.row_stride();
    for (std::int64_t p = 0; p < pages; ++p) {
      require(table[p] >= 0 && table[p] < rows / page_size, operation,
              "page {} of sequence {} is {}, expected 0 to {}", p, s, table[p], rows / page_size - 1);
    }
  }
}

// What cached_attention_forward() takes.
void check_cached(const Context& ctx, const char* operation, const Tensor& out, const Tensor& q,
                  const Tensor& k_cache, const Tensor& v_cache, const Tensor& page_table,
                  const Tensor& lengths, const Tensor& offsets, std::int64_t page_size,
                  const AttentionOptions& options) {
  check_options(operation, options);
  require(options.causal, operation, "attention over a cache is causal, expected options.causal");
  require(page_size > 0, operation, "page_size is {}, expected a positive number", page_size);
  check_shape(ctx, operation, "q", q, {-1, options.heads * options.head_dim});
  check_real(operation, "q", q);
  check_heads(ctx, operation, "out", out, q.dim(0), options.heads, options.head_dim, q.dtype());
  check_heads(ctx, operation, "k_cache", k_cache, -1, options.kv_heads, options.head_dim, q.dtype());
  check_heads(ctx, operation, "v_cache", v_cache, k_cache.dim(0), options.kv_heads, options.head_dim,
              q.dtype());
  check_offsets(ctx, operation, offsets, q.dim(0));
  const std::int64_t sequences = offsets.dim(0) - 1;
  check_vector(ctx, operation, "lengths", lengths, sequences);
  check_shape(ctx, operation, "page_table", page_table, {sequences, -1});
  check_dtype(operation, "page_table", page_table, DType::i32);
  check_cache(operation, page_table, lengths, offsets, page_size, k_cache.dim(0));
}

}  // namespace

void attention_forward(Context& ctx, const Tensor& out, const Tensor& lse, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& offsets, const AttentionOptions& options) {
  constexpr const char* operation = "attention_forward";
  check_options(operation, options);
  check_shape(ctx, operation, "q", q, {-1, options.heads * options.head_dim});
  check_real(operation, "q", q);
  const std::int64_t tokens = q.dim(0);
  check_heads(ctx, operation, "k", k, tokens, options.kv_heads, options.head_dim, q.dtype());
  check_heads(ctx, operation, "v", v, tokens, options.kv_heads, options.head_dim, q.dtype());
  check_heads(ctx, operation, "out", out, tokens, options.heads, options.head_dim, q.dtype());
  if (lse) {
    check_shape(ctx, operation, "lse", lse, {tokens, options.heads});
    check_dtype(operation, "lse", lse, DType::f32);
  }
  check_offsets(ctx, operation, offsets, tokens);
  kernel_table(ctx.device()).attention_forward(ctx, out, lse, q, k, v, offsets, options);
}

void attention_backward(Context& ctx, const Tensor& d_q, const Tensor& d_k, const Tensor& d_v,
                        const Tensor& d_out, const Tensor& out, const Tensor& lse, const Tensor& q,
                        const Tensor& k, const Tensor& v, const Tensor& offsets,
                        const AttentionOptions& options) {
  constexpr const char* operation = "attention_backward";
  check_options(operation, options);
  check_shape(ctx, operation, "q", q, {-1, options.heads * options.head_dim});
  check_real(operation, "q", q);
  const std::int64_t tokens = q.dim(0);
  const auto check_query = [&](const char* name, const Tensor& tensor) {
    check_heads(ctx, operation, name, tensor, tokens, options.heads, options.head_dim, q.dtype());
  };
  const auto check_key = [&](const char* name, const Tensor& tensor) {
    check_heads(ctx, operation, name, tensor, tokens, options.kv_heads, options.head_dim, q.dtype());
  };
  check_query("d_q", d_q);
  check_query("d_out", d_out);
  check_query("out", out);
  check_key("k", k);
  check_key("v", v);
  check_key("d_k", d_k);
  check_key("d_v", d_v);
  check_shape(ctx, operation, "lse", lse, {tokens, options.heads});
  check_dtype(operation, "lse", lse, DType::f32);
  check_offsets(ctx, operation, offsets, tokens);
  kernel_table(ctx.device())
      .attention_backward(ctx, d_q, d_k, d_v, d_out, out, lse, q, k, v, offsets, options);
}

void cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& q, const Tensor& k_cache,
                              const Tensor& v_cache, const Tensor& page_table, const Tensor& lengths,
                              const Tensor& offsets, std::int64_t page_size,
                              const AttentionOptions& options) {
  check_cached(ctx, "cached_attention_forward", out, q, k_cache, v_cache, page_table, lengths, offsets,
               page_size, options);
  kernel_table(ctx.device())
      .cached_attention_forward(ctx, out, q, k_cache, v_cache, page_table, lengths, offsets, page_size,
                                options);
}

void rotary_cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& qkv,
                                     const Tensor& k_cache, const Tensor& v_cache, const Tensor& rows,
                                     const Tensor& cos, const Tensor& sin, const Tensor& page_table,
                                     const Tensor& lengths, const Tensor& offsets, std::int64_t page_size,
                                     const AttentionOptions& options) {
  constexpr const char* operation = "rotary_cached_attention_forward";
  check_options(operation, options);
  const std::int64_t q_width = options.heads * options.head_dim;
  check_shape(ctx, operation, "qkv", qkv, {-1, q_width + 2 * options.kv_heads * options.head_dim});
  check_cached(ctx, operation, out, qkv.columns(0, q_width), k_cache, v_cache, page_table, lengths, offsets,
               page_size, options);
  check_vector(ctx, operation, "rows", rows, qkv.dim(0));
  check_shape(ctx, operation, "cos", cos, {qkv.dim(0), -1});
  check_shape(ctx, operation, "sin", sin, {qkv.dim(0), cos.dim(1)});
  check_dtype(operation, "cos", cos, DType::f32);
  check_dtype(operation, "sin", sin, DType::f32);
  require(2 * cos.dim(1) <= options.head_dim, operation, "{} pairs turn, head_dim {} has fewer", cos.dim(1),
          options.head_dim);
  kernel_table(ctx.device())
      .rotary_cached_attention_forward(ctx, out, qkv, k_cache, v_cache, rows, cos, sin, page_table, lengths,
                                       offsets, page_size, options);
}

}  // namespace artemis

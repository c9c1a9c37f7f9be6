#include "artemis/kernels/cuda/decode_attention.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// Of attend_token: its warps share out the keys, a few at a time.
constexpr int warps = 16;
constexpr int keys_each = 4;

// A warp's running softmax; lane l holds the elements l, l + 32, ... of a head.
template <int dim>
struct WarpSums {
  static constexpr int each = dim / warp_size;
  float maximum = -INFINITY;
  float sum = 0;
  float out[each] = {};

  __device__ void add(const float (&scores)[keys_each], const float (&values)[keys_each][each]) {
    float highest = maximum;
    for (const float score : scores) highest = fmaxf(highest, score);
    const float shift = highest == -INFINITY ? 0.0f : highest;
    const float factor = expf(maximum - shift);
    maximum = highest;
    sum *= factor;
    for (float& value : out) value *= factor;
#pragma unroll
    for (int n = 0; n < keys_each; ++n) {
      const float weight = expf(scores[n] - shift);
      sum += weight;
#pragma unroll
      for (int c = 0; c < each; ++c) out[c] = fmaf(weight, values[n][c], out[c]);
    }
  }
};

// The elements of a head that belong to this lane, zeros past its end.
template <typename T, int each>
__device__ void load_lane(float (&to)[each], const T* head, int head_dim) {
#pragma unroll
  for (int c = 0; c < each; ++c) {
    const int i = static_cast<int>(threadIdx.x) % warp_size + c * warp_size;
    to[c] = i < head_dim ? load(head[i]) : 0.0f;
  }
}

// The warps' results into one, in order: out = head_dim elements.
template <typename T, int dim>
__device__ void combine_warps(T* out, const WarpSums<dim>& mine, int head_dim) {
  __shared__ float maxima[warps];
  __shared__ float sums[warps];
  __shared__ float parts[warps][dim];
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  if (lane == 0) {
    maxima[warp] = mine.maximum;
    sums[warp] = mine.sum;
  }
#pragma unroll
  for (int c = 0; c < WarpSums<dim>::each; ++c) parts[warp][lane + c * warp_size] = mine.out[c];
  __syncthreads();
  const int column = static_cast<int>(threadIdx.x);
  if (column >= head_dim) return;
  float maximum = -INFINITY;
  for (const float value : maxima) maximum = fmaxf(maximum, value);
  float sum = 0;
  float value = 0;
  for (int w = 0; w < warps; ++w) {
    const float weight = expf(maxima[w] - maximum);
    sum = fmaf(weight, sums[w], sum);
    value = fmaf(weight, parts[w][column], value);
  }
  store(out[column], value / sum);
}

// A block for each token (x) and each head (y): the way for sequences of a token or two, where attend_tile's
// tiles would be empty.
template <typename T, int dim>
__global__ void __launch_bounds__(warps* warp_size)
    attend_token(ForwardTensors<T> t, Pages cache, Sequences sequences, AttentionShape shape) {
  constexpr int each = WarpSums<dim>::each;
  const int token = static_cast<int>(blockIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const Tile tile = find_token(sequences, token);
  const KeyRows keys(cache, tile.sequence, tile.first, tile.length);
  const int position = keys.length - tile.length + tile.begin;
  const Visible visible = visible_keys(shape, position, keys.length);
  const std::int64_t column = static_cast<std::int64_t>(head) * shape.head_dim;
  const std::int64_t key_column = static_cast<std::int64_t>(head / shape.group) * shape.head_dim;

  float q[each];
  load_lane(q, t.q[token] + column, shape.head_dim);
  WarpSums<dim> sums;
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  for (int key = visible.begin + warp * keys_each; key < visible.end; key += warps * keys_each) {
    float scores[keys_each];
    float values[keys_each][each];
#pragma unroll
    for (int n = 0; n < keys_each; ++n) {
      const std::int64_t row = keys.row(min(key + n, visible.end - 1));
      float k[each];
      load_lane(k, t.k[row] + key_column, shape.head_dim);
      load_lane(values[n], t.v[row] + key_column, shape.head_dim);
      float product = 0;
#pragma unroll
      for (int c = 0; c < each; ++c) product = fmaf(q[c] * shape.scale, k[c], product);
      scores[n] = warp_sum(product);
      if (key + n >= visible.end) scores[n] = -INFINITY;
    }
    sums.add(scores, values);
  }
  combine_warps<T, dim>(t.out[token] + column, sums, shape.head_dim);
}

template <typename T>
void launch_attend_tokens(Context& ctx, const ForwardTensors<T>& tensors, const Pages& cache,
                          const Tensor& offsets, std::int64_t tokens, const AttentionOptions& options) {
  const dim3 grid(static_cast<unsigned>(tokens), static_cast<unsigned>(options.heads));
  const auto launch = [&](auto extent) {
    constexpr int dim = decltype(extent)::dim;
    ARTEMIS_LAUNCH(attend_token<T, dim><<<grid, warps * warp_size, 0, stream(ctx)>>>(
        tensors, cache, sequences_of(offsets), shape_of(options)));
  };
  if (options.head_dim <= 128) return dispatch_head_dim(options.head_dim, launch);
  require(options.head_dim <= 256, "attention", "head_dim is {}, expected at most 256 on cuda",
          options.head_dim);
  launch(Extent<256>{});
}

bool starts_at_vectors(const Tensor& t) {
  constexpr std::int64_t vector = 16;  // bytes
  return reinterpret_cast<std::uintptr_t>(t.raw()) % vector == 0 &&
         (t.dim(0) == 1 || t.row_stride() * static_cast<std::int64_t>(sizeof(bfloat16)) % vector == 0);
}

// Whether decode_attend serves such a call.
bool decode_covers(const Tensor& out, const Tensor& q, const Tensor& k_cache, const Tensor& v_cache,
                   const AttentionOptions& options) {
  return q.dtype() == DType::bf16 && (options.head_dim == 64 || options.head_dim == 128) &&
         starts_at_vectors(out) && starts_at_vectors(q) && starts_at_vectors(k_cache) &&
         starts_at_vectors(v_cache) && k_cache.dim(0) <= INT32_MAX;
}

// About a block for each multiprocessor, as far as the cache has keys for them and the session counters.
std::int64_t decode_splits(Context& ctx, std::int64_t sequences, std::int64_t capacity,
                           const AttentionOptions& options) {
  const std::int64_t groups = options.kv_heads * sequences;
  if (groups > std::ssize(ctx.gpu().counters())) return 1;
  const std::int64_t wanted = device_attribute(ctx, cudaDevAttrMultiProcessorCount) / groups;
  const std::int64_t tiles = (capacity + decode_tile - 1) / decode_tile;
  return std::max<std::int64_t>(1, std::min({wanted, tiles, std::int64_t{decode_most_splits}}));
}

DecodePartials decode_partials(Context& ctx, std::int64_t tokens, const AttentionOptions& options,
                               std::int64_t splits) {
  const std::int64_t entries = splits == 1 ? 0 : tokens * options.heads * splits;
  return {ctx.allocate(DType::f32, {entries}).mutable_data<float>(),
          ctx.allocate(DType::f32, {entries}).mutable_data<float>(),
          ctx.allocate(DType::f32, {entries, options.head_dim}).mutable_data<float>(),
          static_cast<int>(options.heads), static_cast<int>(splits)};
}

// Whether the ways for few tokens serve such a call. Their sums have another order than those of tiles, so
// that one way serves all where the other tokens of a pass may not matter.
bool is_decoding(Context& ctx, std::int64_t tokens, const Tensor& offsets) {
  constexpr std::int64_t few = 4;  // tokens of a sequence, on average
  return !ctx.batch_invariant() && tokens <= few * (offsets.dim(0) - 1);
}

Pages pages_of(const Tensor& page_table, const Tensor& lengths, std::int64_t page_size) {
  return {page_table.data<std::int32_t>(), page_table.row_stride(), static_cast<int>(page_size),
          lengths.data<std::int32_t>()};
}

template <int dim>
void launch_decode(Context& ctx, const Tensor& out, const Tensor& q, const Tensor& k_cache,
                   const Tensor& v_cache, const DecodeNew& fresh, const Pages& cache, std::int64_t max_pages,
                   const Tensor& offsets, const AttentionOptions& options) {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t tokens = q.dim(0);
  const std::int64_t sequences = offsets.dim(0) - 1;
  const std::int64_t splits = decode_splits(ctx, sequences, max_pages * cache.size, options);
  const DecodeResult result = {mutable_rows_of<bfloat16>(out), decode_partials(ctx, tokens, options, splits),
                               ctx.gpu().counters().data()};
  allow_shared_memory(decode_attend<dim>, sizeof(DecodeShared<dim>));
  const dim3 grid(static_cast<unsigned>(splits), static_cast<unsigned>(options.kv_heads),
                  static_cast<unsigned>(sequences));
  launch_chained(ctx, decode_attend<dim>, grid, dim3(decode_warps * warp_size), sizeof(DecodeShared<dim>),
                 result, rows_of<bfloat16>(q), rows_of<bfloat16>(k_cache), rows_of<bfloat16>(v_cache), fresh,
                 cache, static_cast<int>(max_pages), sequences_of(offsets), shape_of(options));
}

}  // namespace

void cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& q, const Tensor& k_cache,
                              const Tensor& v_cache, const Tensor& page_table, const Tensor& lengths,
                              const Tensor& offsets, std::int64_t page_size,
                              const AttentionOptions& options) {
  const std::int64_t tokens = q.dim(0);
  if (tokens == 0) return;
  const Pages cache = pages_of(page_table, lengths, page_size);
  const bool decoding = is_decoding(ctx, tokens, offsets);
  if (decoding && decode_covers(out, q, k_cache, v_cache, options)) {
    const auto launch = options.head_dim == 64 ? launch_decode<64> : launch_decode<128>;
    return launch(ctx, out, q, k_cache, v_cache, DecodeNew{}, cache, page_table.dim(1), offsets, options);
  }
  dispatch_real(q.dtype(), [&](auto element) {
    using T = decltype(element);
    const ForwardTensors<T> tensors = {
        mutable_rows_of<T>(out), {}, rows_of<T>(q), rows_of<T>(k_cache), rows_of<T>(v_cache)};
    if (decoding) {
      launch_attend_tokens(ctx, tensors, cache, offsets, tokens, options);
    } else {
      launch_attend_tiles(ctx, tensors, cache, offsets, tokens, options);
    }
  });
}

void rotary_cached_attention_forward(Context& ctx, const Tensor& out, const Tensor& qkv,
                                     const Tensor& k_cache, const Tensor& v_cache, const Tensor& rows,
                                     const Tensor& cos, const Tensor& sin, const Tensor& page_table,
                                     const Tensor& lengths, const Tensor& offsets, std::int64_t page_size,
                                     const AttentionOptions& options) {
  if (qkv.dim(0) == 0) return;
  const std::int64_t kv_width = k_cache.dim(1);
  const std::int64_t values = qkv.dim(1) - kv_width;
  const std::int64_t keys = values - kv_width;
  const Tensor q = qkv.columns(0, keys);
  const bool whole = 2 * cos.dim(1) == options.head_dim;
  if (!is_decoding(ctx, qkv.dim(0), offsets) || !decode_covers(out, q, k_cache, v_cache, options) || !whole ||
      !packs_fit(cos.dim(1), 8, cos, sin)) {
    cuda::rotary_to_cache(ctx, qkv, k_cache, v_cache, rows, cos, sin, options.head_dim);
    return cuda::cached_attention_forward(ctx, out, q, k_cache, v_cache, page_table, lengths, offsets,
                                          page_size, options);
  }
  const DecodeNew fresh = {rows_of<bfloat16>(qkv.columns(keys, values)),
                           rows_of<bfloat16>(qkv.columns(values, qkv.dim(1))),
                           mutable_rows_of<bfloat16>(k_cache),
                           mutable_rows_of<bfloat16>(v_cache),
                           rows.data<std::int32_t>(),
                           rows_of<float>(cos),
                           rows_of<float>(sin)};
  const auto launch = options.head_dim == 64 ? launch_decode<64> : launch_decode<128>;
  launch(ctx, out, q, k_cache, v_cache, fresh, pages_of(page_table, lengths, page_size), page_table.dim(1),
         offsets, options);
}

}  // namespace artemis::cuda

// Attention of a few new tokens over a paged cache in bf16: the keys of a sequence are shared out over blocks
// (splits), each of which serves all query heads of a key head, so that the cache is read once; the block
// that is done last combines what the splits found (flash decoding; Dao et al. 2023). The launch depends on
// the shapes alone: lengths are read on the device.
#pragma once

#include "artemis/kernels/cuda/decode_keys.cuh"
#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {

constexpr int decode_stages = 2;

template <int dim>
struct DecodeShared {
  static constexpr int out_stride = dim + 8;
  union Ring {
    DecodeStage<dim> stages[decode_stages];
    float out[decode_queries * out_stride];  // at the end
  };
  Ring rings[decode_warps];
  float maxima[decode_warps][decode_queries];
  float sums[decode_warps][decode_queries];
};

// A warp's queries and their running softmax. Lane 4 g + t has queries g and g + 8 (half 0 and 1) and, of
// every eight keys or elements, 2 t and 2 t + 1.
template <int dim>
class DecodeSoftmax {
 public:
  // Zeros where there are fewer than 16 queries.
  __device__ DecodeSoftmax(Rows<const bfloat16> q, const DecodeQueries& queries, float scale)
      : scale_(scale * 1.44269504f) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int query = half * 8 + lane() / 4;
      if (query >= queries.count) continue;
      visible_[half] = queries.visible(query);
      const bfloat16* from = q[queries.token(query)] + queries.head(query) * dim + lane() % 4 * 8;
#pragma unroll
      for (int u = 0; u < units; ++u) queries_[half][u] = load_vector(from + u * 32);
    }
  }

  __device__ void turn(const DecodeNew& fresh, const DecodeQueries& queries) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int query = half * 8 + lane() / 4;
      if (query >= queries.count) continue;
#pragma unroll
      for (int u = 0; u < units / 2; ++u) {
        fresh.turn(queries_[half][u], queries_[half][u + units / 2], queries.token(query),
                   u * 32 + lane() % 4 * 8);
      }
    }
  }

  __device__ void add(const DecodeStage<dim>& stage, int first_key) {
    float scores[2][4] = {};
    multiply(scores, stage);
    unsigned weights[4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float factor = soften(scores, half, first_key + lane() % 4 * 2);
      weights[half] = pack_pair(scores[0][2 * half], scores[0][2 * half + 1]);
      weights[half + 2] = pack_pair(scores[1][2 * half], scores[1][2 * half + 1]);
#pragma unroll
      for (auto& out : out_) {
        out[2 * half] *= factor;
        out[2 * half + 1] *= factor;
      }
    }
    const bfloat16* row =
        stage.values + lane() % decode_keys * DecodeStage<dim>::stride + lane() / decode_keys * 8;
#pragma unroll
    for (int i = 0; i < dim / 8; i += 2) {
      unsigned values[4];
      load_transposed(values, row + i * 8);
      multiply_add(out_[i], weights, values[0], values[1]);
      multiply_add(out_[i + 1], weights, values[2], values[3]);
    }
  }

  // out (queries, dim, rows `stride` apart), maxima and sums of the queries.
  template <int stride>
  __device__ void store_to(float* out, float* maxima, float* sums) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int query = half * 8 + lane() / 4;
      float sum = sum_[half];
      for (int step = 1; step < 4; step *= 2) sum += __shfl_xor_sync(all_lanes, sum, step);
      if (lane() % 4 == 0) {
        maxima[query] = maximum_[half];
        sums[query] = sum;
      }
#pragma unroll
      for (int i = 0; i < dim / 8; ++i) {
        float2* to = reinterpret_cast<float2*>(out + query * stride + i * 8 + lane() % 4 * 2);
        *to = {out_[i][2 * half], out_[i][2 * half + 1]};
      }
    }
  }

 private:
  static constexpr int units = DecodeStage<dim>::units;

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % warp_size; }

  // The products of the queries with the step's keys. As both are read alike, it does not matter which
  // element an MMA calls by which index.
  __device__ void multiply(float (&scores)[2][4], const DecodeStage<dim>& stage) const {
#pragma unroll
    for (int u = 0; u < units; ++u) {
      const uint4 low = queries_[0][u];
      const uint4 high = queries_[1][u];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint4 key = stage.keys[half][u][lane()];
        multiply_add(scores[half], {low.x, high.x, low.y, high.y}, key.x, key.y);
        multiply_add(scores[half], {low.z, high.z, low.w, high.w}, key.z, key.w);
      }
    }
  }

  // Makes the scores of the keys `key`, + 1, + 8, + 9 weights; what was summed so far is to be multiplied by
  // the result.
  __device__ float soften(float (&scores)[2][4], int half, int key) {
    float highest = maximum_[half];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float& score = scores[i / 2][2 * half + i % 2];
      score = visible_[half].contains(key + i / 2 * 8 + i % 2) ? score * scale_ : -INFINITY;
      highest = fmaxf(highest, score);
    }
    for (int step = 1; step < 4; step *= 2) {
      highest = fmaxf(highest, __shfl_xor_sync(all_lanes, highest, step));
    }
    const float shift = highest == -INFINITY ? 0.0f : highest;
    const float factor = exp2f(maximum_[half] - shift);
    maximum_[half] = highest;
    sum_[half] *= factor;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float& score = scores[i / 2][2 * half + i % 2];
      score = exp2f(score - shift);
      sum_[half] += score;
    }
    return factor;
  }

  float scale_;
  uint4 queries_[2][units] = {};
  Visible visible_[2] = {};
  float maximum_[2] = {-INFINITY, -INFINITY};
  float sum_[2] = {};
  float out_[dim / 8][4] = {};
};

// What the warps found, in order, becomes the split's: handed over, or out where there is but one.
template <int dim>
__device__ void hand_over(const DecodeResult& result, const DecodeShared<dim>& shared,
                          const DecodeQueries& queries, DecodeSplit split) {
  for (int i = static_cast<int>(threadIdx.x); i < queries.count * dim; i += decode_warps * warp_size) {
    const int query = i / dim;
    const int column = i % dim;
    float maximum = -INFINITY;
    for (int w = 0; w < decode_warps; ++w) maximum = fmaxf(maximum, shared.maxima[w][query]);
    const float shift = maximum == -INFINITY ? 0.0f : maximum;
    float sum = 0;
    float out = 0;
    for (int w = 0; w < decode_warps; ++w) {
      const float weight = exp2f(shared.maxima[w][query] - shift);
      sum = fmaf(weight, shared.sums[w][query], sum);
      out = fmaf(weight, shared.rings[w].out[query * DecodeShared<dim>::out_stride + column], out);
    }
    const int token = queries.token(query);
    const int head = queries.head(query);
    if (split.count == 1) {
      store(result.out[token][head * dim + column], out / sum);
      continue;
    }
    const std::int64_t index = result.partials.index(token, head, split.index);
    result.partials.out[index * dim + column] = out;
    if (column != 0) continue;
    result.partials.maxima[index] = maximum;
    result.partials.sums[index] = sum;
  }
}

// The split's share of the keys for up to 16 of the block's queries.
template <int dim>
__device__ void attend_queries(const DecodeResult& result, DecodeShared<dim>& shared, DecodeKeys<dim>& keys,
                               Rows<const bfloat16> q, const DecodeNew& fresh, const DecodeQueries& queries,
                               DecodeSplit split, float scale) {
  const Visible all = queries.all();
  const int tile = split.first_tile(all.begin / decode_tile);
  if (tile * decode_tile >= all.end) {
    wait_for_previous();
    return hand_over_nothing<dim>(result.partials, queries, split);
  }
  keys.start(tile, queries);
  for (int stage = 0; stage < decode_stages; ++stage) keys.request(stage);
  wait_for_previous();
  DecodeSoftmax<dim> softmax(q, queries, scale);
  for (int stage = 0; stage < decode_stages; ++stage) keys.turn_new(stage, tile + stage * split.step);
  if (fresh.given()) softmax.turn(fresh, queries);
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  auto& ring = shared.rings[warp];
  int stage = 0;
  for (int at = tile; at * decode_tile < all.end; at += split.step) {
    wait_for_copies<decode_stages - 1>();
    __syncwarp();
    softmax.add(ring.stages[stage], DecodeKeys<dim>::first_key(at));
    __syncwarp();
    keys.request(stage);
    keys.turn_new(stage, at + decode_stages * split.step);
    stage = (stage + 1) % decode_stages;
  }
  wait_for_copies<0>();
  __syncwarp();
  softmax.template store_to<DecodeShared<dim>::out_stride>(ring.out, shared.maxima[warp], shared.sums[warp]);
  __syncthreads();
  hand_over<dim>(result, shared, queries, split);
  __syncthreads();
}

// A block for each split (x), key head (y) and sequence (z).
template <int dim>
__global__ void __launch_bounds__(decode_warps* warp_size, 2)
    decode_attend(DecodeResult result, Rows<const bfloat16> q, Rows<const bfloat16> k, Rows<const bfloat16> v,
                  DecodeNew fresh, Pages cache, int max_pages, Sequences sequences, AttentionShape shape) {
  extern __shared__ uint4 dynamic[];
  auto& shared = *reinterpret_cast<DecodeShared<dim>*>(dynamic);
  const int key_head = static_cast<int>(blockIdx.y);
  const int sequence = static_cast<int>(blockIdx.z);
  let_next_start();
  // Lengths, pages and the keys of earlier passes have been there since the pass began, with copies that wait
  // for all before them; all else has not.
  if (!fresh.given()) wait_for_previous();
  k.data += key_head * dim;
  v.data += key_head * dim;
  if (fresh.given()) {
    fresh.k.data += key_head * dim;
    fresh.v.data += key_head * dim;
    fresh.k_cache.data += key_head * dim;
    fresh.v_cache.data += key_head * dim;
  }
  DecodeKeys<dim> keys(k, v, fresh, cache.pages + sequence * cache.stride, max_pages, cache.size,
                       shared.rings[threadIdx.x / warp_size].stages);
  const int length = __ldcg(cache.lengths + sequence);
  const int first = __ldcg(sequences.offsets + sequence);
  const int tokens = __ldcg(sequences.offsets + sequence + 1) - first;
  DecodeQueries queries = {first, length - tokens,      shape.group, key_head * shape.group,
                           0,     shape.group * tokens, shape.window};
  if (queries.count == 0) return wait_for_previous();
  const DecodeSplit split(queries.all());
  if (split.index >= split.count) return wait_for_previous();
  for (int begin = 0; begin < tokens * shape.group; begin += decode_queries) {
    queries.begin = begin;
    queries.count = min(decode_queries, tokens * shape.group - begin);
    attend_queries<dim>(result, shared, keys, q, fresh, queries, split, shape.scale);
  }
  if (split.count == 1) return;
  if (!comes_last(result.counters + sequence * gridDim.y + key_head, split.count)) return;
  queries.begin = 0;
  queries.count = tokens * shape.group;
  combine<dim>(result, queries, split.count);
}

}  // namespace artemis::cuda

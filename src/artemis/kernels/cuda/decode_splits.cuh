// How the blocks of decode_attention.cuh share out the keys of a sequence, and combine what they find.
#pragma once

#include "artemis/kernels/cuda/attention_forward.cuh"
#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {

constexpr int decode_warps = 4;     // of a block; each has keys and a running softmax of its own
constexpr int decode_queries = 16;  // rows of an MMA: query heads of a key head, token after token
constexpr int decode_keys = 16;     // of a warp at a time
constexpr int decode_tile = decode_warps * decode_keys;
constexpr int decode_most_splits = 64;

// What the splits hand over, for (token, head, split): the maximum of the scores, in base 2; the sum of the
// exponentials; and their product with the values, `dim` elements. Where there were no keys: -inf and zeros.
struct DecodePartials {
  float* maxima;
  float* sums;
  float* out;
  int heads, splits;

  __device__ std::int64_t index(int token, int head, int split) const {
    return (static_cast<std::int64_t>(token) * heads + head) * splits + split;
  }
};

// Where it all goes. The counters, one for each sequence and key head, are zero before and after.
struct DecodeResult {
  Rows<bfloat16> out;
  DecodePartials partials;
  unsigned* counters;
};

// Queries of one key head: query r is head r % group of the sequence's token r / group, from `begin` on.
struct DecodeQueries {
  int first_token, past, group, first_head, begin, count, window;

  __device__ int token(int query) const { return first_token + (begin + query) / group; }
  __device__ int head(int query) const { return first_head + (begin + query) % group; }
  __device__ Visible visible(int query) const {
    const int position = past + (begin + query) / group;
    return {window > 0 ? max(0, position + 1 - window) : 0, position + 1};
  }
  // The keys that any of them sees.
  __device__ Visible all() const { return {visible(0).begin, visible(count - 1).end}; }
};

// A block's share of the sequence's tiles of keys: every step-th. Of the blocks only `count` have a share;
// they are numbered by it.
struct DecodeSplit {
  int index, count, step;

  __device__ explicit DecodeSplit(Visible keys) : step(static_cast<int>(gridDim.x)) {
    const int first = keys.begin / decode_tile;
    index = first_tile(first) - first;
    count = min(step, (keys.end + decode_tile - 1) / decode_tile - first);
  }

  // The first of its tiles from `from` on.
  __device__ int first_tile(int from) const {
    return from + (static_cast<int>(blockIdx.x) + step - from % step) % step;
  }
};

// For queries that see none of the split's keys.
template <int dim>
__device__ void hand_over_nothing(const DecodePartials& partials, const DecodeQueries& queries,
                                  DecodeSplit split) {
  for (int i = static_cast<int>(threadIdx.x); i < queries.count * dim; i += decode_warps * warp_size) {
    const int query = i / dim;
    const std::int64_t index = partials.index(queries.token(query), queries.head(query), split.index);
    partials.out[index * dim + i % dim] = 0;
    if (i % dim != 0) continue;
    partials.maxima[index] = -INFINITY;
    partials.sums[index] = 0;
  }
}

// Whether the block is the last of `blocks` that call this with the counter: then it sees what the others
// wrote before, and the counter is zero again.
__device__ inline bool comes_last(unsigned* counter, int blocks) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    const auto most = static_cast<unsigned>(blocks - 1);
    last = atomicInc(counter, most) == most;
    __threadfence();
  }
  __syncthreads();
  return last;
}

// Four elements of a query's out, over the splits so far.
struct DecodeSum {
  float maximum = -INFINITY;
  float sum = 0;
  float4 out = {};

  __device__ void add(float highest, float weights, float4 part) {
    const float before = maximum;
    maximum = fmaxf(before, highest);
    const float shift = maximum == -INFINITY ? 0.0f : maximum;
    const float kept = exp2f(before - shift);
    const float added = exp2f(highest - shift);
    sum = sum * kept + weights * added;
    out = {out.x * kept + part.x * added, out.y * kept + part.y * added, out.z * kept + part.z * added,
           out.w * kept + part.w * added};
  }

  __device__ void store_to(bfloat16* to) const {
    const float factor = 1.0f / sum;
    *reinterpret_cast<uint2*>(to) = {pack_pair(out.x * factor, out.y * factor),
                                     pack_pair(out.z * factor, out.w * factor)};
  }
};

// What `splits` splits handed over, in order, becomes out.
template <int dim>
__device__ void combine(const DecodeResult& result, const DecodeQueries& queries, int splits) {
  constexpr int vectors = dim / 4;
  constexpr int batch = 16;  // splits that are asked for at once
  const DecodePartials& partials = result.partials;
  for (int i = static_cast<int>(threadIdx.x); i < queries.count * vectors; i += decode_warps * warp_size) {
    const int token = queries.token(i / vectors);
    const int head = queries.head(i / vectors);
    const int column = i % vectors * 4;
    const std::int64_t first = partials.index(token, head, 0);
    const float* maxima = partials.maxima + first;
    const float* sums = partials.sums + first;
    const float* parts = partials.out + first * dim + column;
    DecodeSum total;
    for (int begin = 0; begin < splits; begin += batch) {
      float maximum[batch], sum[batch];
      float4 part[batch];
#pragma unroll
      for (int n = 0; n < batch; ++n) {
        const int split = begin + n;
        const bool there = split < splits;
        maximum[n] = there ? __ldcg(maxima + split) : -INFINITY;
        sum[n] = there ? __ldcg(sums + split) : 0.0f;
        part[n] = there ? __ldcg(reinterpret_cast<const float4*>(parts + split * dim)) : float4{};
      }
#pragma unroll
      for (int n = 0; n < batch; ++n) total.add(maximum[n], sum[n], part[n]);
    }
    total.store_to(result.out[token] + head * dim + column);
  }
}

}  // namespace artemis::cuda

#include <algorithm>

#include "artemis/kernels/cuda/rotary.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

// The heads of a token in units: `turning` of them are n pairs, the rest n elements that stay.
struct Heads {
  int count, head_dim, pairs, turning, units;
};

// Of the unit: its head, the first of its elements in the row, and whether it turns.
struct Unit {
  int head, first;
  bool turns;
};
__device__ Unit unit_of_thread(const Heads& heads, int index, int n) {
  const int head = index / heads.units;
  const int within = index % heads.units;
  const bool turns = within < heads.turning;
  const int col = turns ? within * n : 2 * heads.pairs + (within - heads.turning) * n;
  return {head, head * heads.head_dim + col, turns};
}

// A thread for each n pairs; the tokens along y.
template <typename T, int n>
__global__ void __launch_bounds__(threads) turn(Rows<T> x, Rows<const float> cos, Rows<const float> sin,
                                                Heads heads, std::int64_t tokens, float sign) {
  let_next_start();
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int pair = index % heads.turning * n;
  const int first = index / heads.turning * heads.head_dim + pair;
  wait_for_previous();
  if (index >= heads.count * heads.turning) return;
  for (std::int64_t token = blockIdx.y; token < tokens; token += gridDim.y) {
    auto pairs = Pairs<T, n>::load_from(x[token] + first, heads.pairs);
    pairs.turn(load_pack<n>(cos[token] + pair), load_pack<n>(sin[token] + pair), sign);
    pairs.store_to(x[token] + first, heads.pairs);
  }
}

// Where the keys and values of the tokens go.
template <typename T>
struct CacheRows {
  Rows<T> keys, values;
  const std::int32_t* rows;
  int kv_heads;
};

// A thread for each unit of the heads of queries, keys and values: the first two turn, the last two go into
// the cache.
template <typename T, int n>
__global__ void __launch_bounds__(threads)
    turn_to_cache(Rows<T> qkv, CacheRows<T> cache, Rows<const float> cos, Rows<const float> sin, Heads heads,
                  std::int64_t tokens) {
  let_next_start();
  wait_for_previous();
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= heads.count * heads.units) return;
  const Unit unit = unit_of_thread(heads, index, n);
  const int first_key = heads.count - 2 * cache.kv_heads;
  const int first_value = heads.count - cache.kv_heads;
  const bool is_value = unit.head >= first_value;
  const int in_cache = unit.first - (is_value ? first_value : first_key) * heads.head_dim;
  for (std::int64_t token = blockIdx.y; token < tokens; token += gridDim.y) {
    T* from = qkv[token] + unit.first;
    T* to = nullptr;
    if (unit.head >= first_key) to = (is_value ? cache.values : cache.keys)[cache.rows[token]] + in_cache;
    if (unit.turns) {
      auto pairs = Pairs<T, n>::load_from(from, heads.pairs);
      if (!is_value) {
        const int pair = unit.first % heads.head_dim;
        pairs.turn(load_pack<n>(cos[token] + pair), load_pack<n>(sin[token] + pair), 1.0f);
        pairs.store_to(from, heads.pairs);
      }
      if (to != nullptr) pairs.store_to(to, heads.pairs);
    } else if (to != nullptr) {
      store_pack(to, load_pack<n>(from));
    }
  }
}

// A thread for each pair of a token; the tokens along y.
__global__ void angles(Rows<float> cos, Rows<float> sin, Rows<const std::int32_t> positions,
                       const float* frequencies, int n, std::int64_t tokens, int pairs, float factor) {
  let_next_start();
  wait_for_previous();
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= pairs) return;
  const float frequency = frequencies[i % n];
  for (std::int64_t token = blockIdx.y; token < tokens; token += gridDim.y) {
    const float angle = __fmul_rn(static_cast<float>(positions[token][i / n]), frequency);
    float s, c;
    sincosf(angle, &s, &c);
    cos[token][i] = c * factor;
    sin[token][i] = s * factor;
  }
}

// So many threads for each token, in equal blocks of whole warps.
struct TokenGrid {
  dim3 grid;
  unsigned block;
};
TokenGrid token_grid(std::int64_t each, std::int64_t tokens) {
  constexpr std::int64_t most_rows = 65535;  // of a grid
  const unsigned share = blocks_for(each, blocks_for(each, threads));
  const unsigned block = blocks_for(share, warp_size) * warp_size;
  return {dim3(blocks_for(each, block), static_cast<unsigned>(std::min(tokens, most_rows))), block};
}

// Whether x and the angles can be read in packs of n, in each half of what turns of a head and in what stays.
bool heads_fit(int n, const Tensor& x, const Tensor& cos, const Tensor& sin, std::int64_t head_dim) {
  return cos.dim(1) % n == 0 && head_dim % n == 0 && packs_fit(x.dim(1), n, x) &&
         packs_fit(cos.dim(1), n, cos, sin);
}

Heads heads_of(const Tensor& x, const Tensor& cos, std::int64_t head_dim, int n) {
  const auto dim = static_cast<int>(head_dim);
  const auto pairs = static_cast<int>(cos.dim(1));
  return {.count = static_cast<int>(x.dim(1)) / dim,
          .head_dim = dim,
          .pairs = pairs,
          .turning = pairs / n,
          .units = (dim - pairs) / n};
}

void rotate(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin, std::int64_t head_dim,
            float sign) {
  if (x.count() == 0 || cos.count() == 0) return;
  dispatch_real(x.dtype(), [&]<typename T>(T) {
    dispatch_pack<widest_pack<T>>(heads_fit(widest_pack<T>, x, cos, sin, head_dim), [&](auto n) {
      const Heads heads = heads_of(x, cos, head_dim, n());
      const auto [grid, block] = token_grid(std::int64_t{heads.count} * heads.turning, x.dim(0));
      launch_chained(ctx, turn<T, n()>, grid, block, 0, mutable_rows_of<T>(x), rows_of<float>(cos),
                     rows_of<float>(sin), heads, x.dim(0), sign);
    });
  });
}

}  // namespace

void rotary_angles(Context& ctx, const Tensor& cos, const Tensor& sin, const Tensor& positions,
                   const Tensor& frequencies, float factor) {
  if (cos.count() == 0) return;
  const auto [grid, block] = token_grid(cos.dim(1), cos.dim(0));
  launch_chained(ctx, angles, grid, block, 0, mutable_rows_of<float>(cos), mutable_rows_of<float>(sin),
                 rows_of<std::int32_t>(positions), frequencies.data<float>(),
                 static_cast<int>(frequencies.dim(0)), cos.dim(0), static_cast<int>(cos.dim(1)), factor);
}

void rotary_to_cache(Context& ctx, const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                     const Tensor& rows, const Tensor& cos, const Tensor& sin, std::int64_t head_dim) {
  if (qkv.count() == 0) return;
  dispatch_real(qkv.dtype(), [&]<typename T>(T) {
    constexpr int widest = widest_pack<T>;
    const bool fit =
        heads_fit(widest, qkv, cos, sin, head_dim) && packs_fit(k_cache.dim(1), widest, k_cache, v_cache);
    dispatch_pack<widest>(fit, [&](auto n) {
      const Heads heads = heads_of(qkv, cos, head_dim, n());
      const CacheRows<T> cache = {mutable_rows_of<T>(k_cache), mutable_rows_of<T>(v_cache),
                                  rows.data<std::int32_t>(), static_cast<int>(k_cache.dim(1) / head_dim)};
      const auto [grid, block] = token_grid(std::int64_t{heads.count} * heads.units, qkv.dim(0));
      launch_chained(ctx, turn_to_cache<T, n()>, grid, block, 0, mutable_rows_of<T>(qkv), cache,
                     rows_of<float>(cos), rows_of<float>(sin), heads, qkv.dim(0));
    });
  });
}

void rotary_forward(Context& ctx, const Tensor& x, const Tensor& cos, const Tensor& sin,
                    std::int64_t head_dim) {
  rotate(ctx, x, cos, sin, head_dim, 1.0f);
}

void rotary_backward(Context& ctx, const Tensor& d_x, const Tensor& cos, const Tensor& sin,
                     std::int64_t head_dim) {
  rotate(ctx, d_x, cos, sin, head_dim, -1.0f);
}

}  // namespace artemis::cuda

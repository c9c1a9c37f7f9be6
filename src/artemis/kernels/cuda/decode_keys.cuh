// The keys and values that decode_attention.cuh reads: copied from the cache, or new and still to be turned.
#pragma once

#include "artemis/kernels/cuda/decode_splits.cuh"
#include "artemis/kernels/cuda/rotary.cuh"

namespace artemis::cuda {

__device__ inline uint4 load_vector(const bfloat16* from) {
  return __ldcg(reinterpret_cast<const uint4*>(from));
}
__device__ inline void store_vector(bfloat16* to, uint4 vector) { *reinterpret_cast<uint4*>(to) = vector; }

// Keys and values of a warp's step. Of the keys, each lane copies what it reads itself: of key 8 half + lane
// / 4 the elements from 32 unit + 8 (lane % 4).
template <int dim>
struct DecodeStage {
  static constexpr int units = dim / 32;
  static constexpr int stride = dim + 8;  // eight rows at one column lie in distinct banks
  uint4 keys[2][units][warp_size];
  bfloat16 values[decode_keys * stride];
};

// The new tokens' keys and values, columns of a key head, before keys turn, and where they belong in the
// cache. All null where they are there, and the queries turned, already.
struct DecodeNew {
  Rows<const bfloat16> k, v;
  Rows<bfloat16> k_cache, v_cache;
  const std::int32_t* rows;
  Rows<const float> cos, sin;

  __device__ bool given() const { return rows != nullptr; }

  // Of a token, eight elements from `pair` on and the eight that they are paired with.
  __device__ void turn(uint4& first, uint4& second, int token, int pair) const {
    Pairs<bfloat16, 8> pairs;
    static_assert(sizeof(pairs.first) == sizeof(first));
    memcpy(&pairs.first, &first, sizeof(first));
    memcpy(&pairs.second, &second, sizeof(second));
    pairs.turn(load_pack<8>(cos[token] + pair), load_pack<8>(sin[token] + pair), 1.0f);
    memcpy(&first, &pairs.first, sizeof(first));
    memcpy(&second, &pairs.second, sizeof(second));
  }
};

// The keys of a warp on their way: tiles of the block's split, 16 keys of each.
template <int dim>
class DecodeKeys {
 public:
  __device__ DecodeKeys(Rows<const bfloat16> k, Rows<const bfloat16> v, const DecodeNew& fresh,
                        const std::int32_t* pages, int width, int page_size, DecodeStage<dim>* stages)
      : k_(k), v_(v), fresh_(fresh), pages_(pages), width_(width), page_size_(page_size), stages_(stages) {
    look_up(static_cast<int>(blockIdx.x));  // likely the first, and known before the length is
  }

  __device__ void start(int tile, const DecodeQueries& queries) {
    all_ = queries.all();
    new_ = fresh_.given() ? max(queries.past, all_.begin) : all_.end;
    first_token_ = queries.first_token - queries.past;
    if (tile != tile_) look_up(tile);
  }

  // Asks for what the cache has of the next tile, if there is one.
  __device__ void request(int stage) {
    if (tile_ * decode_tile < all_.end) {
      copy(stages_[stage]);
      look_up(tile_ + static_cast<int>(gridDim.x));
    }
    end_copies();
  }

  // What is not yet in the cache of a tile, into its stage and there.
  __device__ void turn_new(int number, int tile) const {
    using Stage = DecodeStage<dim>;
    Stage& stage = stages_[number];
    constexpr int pairs = dim / 16;  // lanes that turn a key; from 16 on they have the value
    const int begin = first_key(tile);
    for (int key = max(begin, new_); key < min(begin + decode_keys, all_.end); ++key) {
      const int token = first_token_ + key;
      const int within = key - begin;
      const int pair = lane() * 8;
      const int column = (lane() - 16) * 8;
      const std::int64_t target = __ldcg(fresh_.rows + token);
      uint4 value = {};
      if (column >= 0 && column < dim) value = load_vector(fresh_.v[token] + column);
      if (lane() < pairs) {
        uint4 first = load_vector(fresh_.k[token] + pair);
        uint4 second = load_vector(fresh_.k[token] + pair + dim / 2);
        fresh_.turn(first, second, token, pair);
        const int place = within % 8 * 4 + lane() % 4;
        stage.keys[within / 8][lane() / 4][place] = first;
        stage.keys[within / 8][lane() / 4 + Stage::units / 2][place] = second;
        store_vector(fresh_.k_cache[target] + pair, first);
        store_vector(fresh_.k_cache[target] + pair + dim / 2, second);
      }
      if (column >= 0 && column < dim) {
        store_vector(stage.values + within * Stage::stride + column, value);
        store_vector(fresh_.v_cache[target] + column, value);
      }
    }
  }

  // The position of a warp's first key in a tile.
  __device__ static int first_key(int tile) {
    return tile * decode_tile + static_cast<int>(threadIdx.x) / warp_size * decode_keys;
  }

 private:
  // The row of key `lane` of the tile, for any tile.
  __device__ void look_up(int tile) {
    tile_ = tile;
    const int key = first_key(tile) + lane() % decode_keys;
    const int page = key / page_size_;
    row_ = page < width_ ? __ldcg(pages_ + page) * page_size_ + key % page_size_ : 0;
  }

  __device__ void copy(DecodeStage<dim>& stage) const {
    using Stage = DecodeStage<dim>;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int key = half * 8 + lane() / 4;
      const bfloat16* source = row(k_, key) + lane() % 4 * 8;
      const bool inside = all_.contains(first_key(tile_) + key);
      if (is_new(first_key(tile_) + key)) continue;
#pragma unroll
      for (int u = 0; u < Stage::units; ++u) {
        copy_async(&stage.keys[half][u][lane()], source + u * 32, inside);
      }
    }
    constexpr int lanes = dim / 8;  // of a key
    constexpr int keys = warp_size / lanes;
#pragma unroll
    for (int i = 0; i < decode_keys; i += keys) {
      const int key = i + lane() / lanes;
      const int column = lane() % lanes * 8;
      const bfloat16* source = row(v_, key) + column;
      const bool inside = all_.contains(first_key(tile_) + key);
      if (is_new(first_key(tile_) + key)) continue;
      copy_async(stage.values + key * Stage::stride + column, source, inside);
    }
  }

  __device__ bool is_new(int key) const { return new_ <= key && key < all_.end; }

  // Of key `key` of the warp's, which may differ from lane to lane. A key outside has row 0, or one of its
  // table's that is not read.
  __device__ const bfloat16* row(const Rows<const bfloat16>& rows, int key) const {
    const int found = __shfl_sync(all_lanes, row_, key);
    return rows[all_.contains(first_key(tile_) + key) ? found : 0];
  }

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % warp_size; }

  Rows<const bfloat16> k_, v_;
  DecodeNew fresh_;
  const std::int32_t* pages_;
  int width_, page_size_;
  DecodeStage<dim>* stages_;
  Visible all_ = {0, 0};
  int new_ = 0;          // the first key that is not in the cache
  int first_token_ = 0;  // the token of position 0, if it were among them
  int tile_ = 0;
  int row_ = 0;
};

}  // namespace artemis::cuda

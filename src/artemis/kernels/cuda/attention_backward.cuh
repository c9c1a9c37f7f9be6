// What the kernels of the gradient of attention share.
#pragma once

#include "artemis/kernels/cuda/attention_tiles.cuh"

namespace artemis::cuda {

template <typename T>
struct BackwardTensors {
  Rows<T> d_q, d_k, d_v;
  Rows<const T> d_out, out, q, k, v;
  Rows<const float> lse;
};

// The queries [begin, end) that see a key of the tile.
__device__ inline Visible seeing_queries(const AttentionShape& shape, const Tile& keys) {
  if (!shape.causal) return {0, keys.length};
  const int room = keys.length - (keys.begin + keys.rows - 1);  // from the last key to the end
  const int end = shape.window > 0 && shape.window < room ? keys.length - room + shape.window : keys.length;
  return {keys.begin, end};
}

// The gradient on tensor cores, for heads of at most flash_most_dim elements.
void launch_flash_backward(Context& ctx, const BackwardTensors<bfloat16>& tensors, const Tensor& offsets,
                           std::int64_t tokens, const AttentionOptions& options);

}  // namespace artemis::cuda

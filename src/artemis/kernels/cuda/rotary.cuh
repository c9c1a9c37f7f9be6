// Pairs of elements that turn, for the kernels that do so.
#pragma once

#include "artemis/kernels/cuda/elementwise.cuh"

namespace artemis::cuda {

// n pairs that turn.
template <typename T, int n>
struct Pairs {
  Pack<T, n> first, second;

  // From the first elements of the pairs on, the second ones `distance` later.
  __device__ static Pairs load_from(const T* from, int distance) {
    return {load_pack<n>(from), load_pack<n>(from + distance)};
  }
  __device__ void store_to(T* to, int distance) const {
    store_pack(to, first);
    store_pack(to + distance, second);
  }
  // sign 1 turns by the angle, -1 turns back.
  __device__ void turn(const Pack<float, n>& cos, const Pack<float, n>& sin, float sign) {
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float a = load(first.values[i]);
      const float b = load(second.values[i]);
      const float c = cos.values[i];
      const float s = sign * sin.values[i];
      store(first.values[i], a * c - b * s);
      store(second.values[i], b * c + a * s);
    }
  }
};

}  // namespace artemis::cuda

// The memory of a model's weights.
#pragma once

#include "artemis/model/weight_names.h"

namespace artemis {

// Bytes of all weights together, as allocate_weights() lays them.
std::size_t weight_bytes(const GraftConfig& config, DType dtype);

// Uninitialised weights in one block of the device, in the order of for_each_weight(), each from a multiple
// of 256 bytes on: neighbours whose sizes are such multiples (q, k and v; gate and up) lie without a gap, so
// that Tensor::joined_rows() makes one of them. Throws Error with the figures when the device has no room.
Graft allocate_weights(const GraftConfig& config, DType dtype, Device device);

// Weights for measuring speed: matrices and biases normal with deviation 0.02, norms 1, made on the context's
// device from the seed.
Graft random_weights(Context& ctx, const GraftConfig& config, DType dtype, std::uint64_t seed);

}  // namespace artemis

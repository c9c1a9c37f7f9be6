// What a machine can do at most, measured: what every figure stands beside.
#pragma once

#include <string>

#include "artemis/core/context.h"
#include "artemis/io/json.h"

namespace artemis::bench {

struct Ceilings {
  double product_f32 = 0;   // GFLOP/s, a product of 1024 cubed, on a GPU 8192 cubed
  double product_bf16 = 0;  // GFLOP/s, likewise
  double read = 0;          // GB/s, summing 256 MiB with all threads, on a GPU 2 GiB
  double copy = 0;          // GB/s read and written, copying as much
  double upload = 0;        // GB/s from pinned host memory to a GPU; 0 on the CPU

  double product(DType dtype) const { return dtype == DType::f32 ? product_f32 : product_bf16; }
};

Ceilings measure_ceilings(Context& ctx);

// By name with the unit behind it; what there is not is left out.
Json to_json(const Ceilings& ceilings);

// The GPU's name, or the processor's.
std::string machine_name(Device device);

// Standard normal values times `scale` on the context's device; never zeros, which can run faster than real
// data.
Tensor random_tensor(Context& ctx, DType dtype, const Shape& shape, float scale, std::uint64_t seed);

}  // namespace artemis::bench

// Random tensors, made where they are needed.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// The elements of out (contiguous, f32 or bf16) become normal with mean 0 and this deviation. Element i is a
// function of (seed, stream, i) alone: Box-Muller on the Philox block i / 4.
void fill_normal(Context& ctx, const Tensor& out, float deviation, std::uint64_t seed, std::uint64_t stream);

}  // namespace artemis

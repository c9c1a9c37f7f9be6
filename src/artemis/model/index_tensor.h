// Indices on their way from the host to kernels.
#pragma once

#include <span>

#include "artemis/core/context.h"

namespace artemis {

// (values) i32 in activation memory. Throws Error naming `what` for a value outside [0, bound): a GPU's
// kernels do not check what they read.
Tensor index_tensor(Context& ctx, std::span<const std::int32_t> values, std::int64_t bound, const char* what);

}  // namespace artemis

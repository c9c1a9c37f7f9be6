// The CUDA side of a Context, for the kernels alone.
#pragma once

#include "artemis/core/context.h"

struct CUstream_st;

namespace artemis::cuda {

// The stream (a cudaStream_t) that the context's kernels run on, in order.
CUstream_st* stream(Context& ctx);

}  // namespace artemis::cuda

// The vendor's handles of a context on a GPU, for kernels/cuda.
#pragma once

#include "artemis/core/context.h"
#include "artemis/core/gpu.h"

namespace artemis::cuda {

// As cudaStream_t.
inline CUstream_st* stream(Context& ctx) { return ctx.gpu().stream(); }

// As cublasLtHandle_t.
inline cublasLtContext* products(Context& ctx) { return ctx.gpu().products(); }

}  // namespace artemis::cuda

// The vendor's handles of a context on a GPU, for kernels/cuda.
#pragma once

#include "artemis/core/context.h"
#include "artemis/core/gpu.h"

namespace artemis::cuda {

// As cudaStream_t.
inline CUstream_st* stream(Context& ctx) { return ctx.gpu().stream(); }

// As cublasHandle_t.
inline cublasContext* blas(Context& ctx) { return ctx.gpu().blas(); }

}  // namespace artemis::cuda

// Argument checks shared by the operations; a failure names the operation and both figures.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// The tensor is defined, lives on the context's device, and has the shape (an extent of -1 matches any).
void check_shape(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                 std::initializer_list<std::int64_t> shape);

// The tensor's dtype is this one.
void check_dtype(const char* operation, const char* name, const Tensor& tensor, DType dtype);

// f32 or bf16.
void check_real(const char* operation, const char* name, const Tensor& tensor);

}  // namespace artemis

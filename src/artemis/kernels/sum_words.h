// Reading memory once, for measuring how fast that goes.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// sum (1) i64 becomes the sum of x's 64-bit words, modulo 2^64. x: contiguous, of any dtype, a multiple of 16
// bytes.
void sum_words(Context& ctx, const Tensor& sum, const Tensor& x);

}  // namespace artemis

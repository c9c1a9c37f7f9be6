// Products of one to eight rows with a weight matrix, for the steps of decoding: each weight is read once,
// from global memory by way of a ring in shared memory, and everything else is arranged around that. Weights
// are read before the kernel ahead is done: no kernel that writes them may let the next one start.
#pragma once

#include "artemis/kernels/linear.h"

namespace artemis::cuda {

// As linear_forward. False, with nothing done, for what these kernels do not cover: more than eight rows,
// f32 weights, rows that do not start at multiples of 16 bytes, rows too long for shared memory or too many
// for so few weights.
bool few_rows_linear(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const LinearEpilogue& epilogue);

// As gated_linear_forward, likewise.
bool few_rows_gated_linear(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                           const Tensor& up_weight, Activation activation);

}  // namespace artemis::cuda

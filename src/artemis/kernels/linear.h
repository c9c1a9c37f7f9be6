// y = x W^T + b, with W stored (out_features, in_features) as torch.nn.Linear does.
// Matrices may have a row stride. dtype of x, weight, bias, out: all f32 or all bf16; sums in f32.
#pragma once

#include <optional>

#include "artemis/kernels/activation.h"

namespace artemis {

// What becomes of a product before it is stored.
struct LinearEpilogue {
  std::optional<Activation> activation{};
  Tensor residual{};  // (tokens, n) of out's dtype, not out itself; added last
};

// out (tokens, n) = x (tokens, k) weight (n, k)^T + bias (n); bias may be undefined.
// out may also be f32 where x and weight are bf16 (logits, for instance).
// A row of out has the same bits whatever other rows come with it where Context::batch_invariant(). Else so on
// a CPU among up to 15 tokens, and on processors with AVX-512 among 16 and more: a row beside few has other
// bits than beside many, in f32 too. On a GPU the order of the sums follows from the shapes: the same call has
// the same bits, but a row's may change with the number of rows. k > 0. With an epilogue out = f(x weight^T +
// bias) + residual: in bf16 rounded after each step on the CPU, as the reference does; on a GPU the steps
// that the product itself takes (bias; a residual without an activation; gelu_tanh or relu without a
// residual) are rounded once.
void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const LinearEpilogue& epilogue = {});

// out (tokens, n) = f(x gate_weight^T) * (x up_weight^T), the weights (n, k) alike; rounded as linear_forward
// and gated_forward do on the CPU. For passes that keep neither product.
void gated_linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                          const Tensor& up_weight, Activation activation);

// d_x (tokens, k) = d_out (tokens, n) weight (n, k); added to d_x when accumulate is set (an input read by
// several layers), else d_x is overwritten.
void linear_backward_input(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& weight,
                           bool accumulate);

// d_weight (n, k) f32 += d_out^T x; d_bias (n) f32 += column sums of d_out. Either may be undefined.
void linear_backward_weight(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                            const Tensor& x);

}  // namespace artemis

// Pointwise non-linearities. f32 or bf16, computed in f32; matrices may have a row stride.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// gelu_erf: x Phi(x), torch "gelu". gelu_tanh: Hendrycks & Gimpel's tanh form, "gelu_pytorch_tanh" and
// "gelu_new". silu: x sigmoid(x). relu: max(x, 0). quick_gelu: x sigmoid(1.702 x).
enum class Activation : std::uint8_t { gelu_erf, gelu_tanh, silu, relu, quick_gelu };

// out = f(x); out may be x.
void activation_forward(Context& ctx, const Tensor& out, const Tensor& x, Activation activation);

// d_x = d_out f'(x); d_x may be d_out.
void activation_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& x,
                         Activation activation);

// out = f(gate) * up (SwiGLU for silu; Shazeer 2020). In bf16 f(gate) is rounded to bf16 first, as the
// reference does. out may be gate or up.
void gated_forward(Context& ctx, const Tensor& out, const Tensor& gate, const Tensor& up,
                   Activation activation);

// d_gate, d_up overwritten; they may be gate and up, where they overwrite what they are made from.
void gated_backward(Context& ctx, const Tensor& d_gate, const Tensor& d_up, const Tensor& d_out,
                    const Tensor& gate, const Tensor& up, Activation activation);

}  // namespace artemis

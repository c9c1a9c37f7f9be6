// RMSNorm (Zhang & Sennrich 2019; MistralRMSNorm) and LayerNorm (Ba et al. 2016; torch.nn.LayerNorm), row by
// row. x, out, weight, bias: f32 or bf16, all alike; statistics and sums in f32. Parameter gradients: f32,
// accumulate.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// out (tokens, n) = weight * x / sqrt(mean(x^2) + eps); in bf16 the normalised value is rounded to bf16
// before the product with weight, as the reference does. Saves rstd (tokens) f32, which may be undefined.
void rms_norm_forward(Context& ctx, const Tensor& out, const Tensor& rstd, const Tensor& x,
                      const Tensor& weight, float eps);

// d_x = residual + the gradient, rounded once; d_x may be d_out or residual, which is 0 where undefined.
// d_weight (n) f32 accumulates and may be undefined.
void rms_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_out,
                       const Tensor& x, const Tensor& weight, const Tensor& rstd,
                       const Tensor& residual = {});

// out (tokens, n) = (x - mean) / sqrt(var + eps) * weight + bias. Saves mean, rstd (tokens) f32; may be
// undefined.
void layer_norm_forward(Context& ctx, const Tensor& out, const Tensor& mean, const Tensor& rstd,
                        const Tensor& x, const Tensor& weight, const Tensor& bias, float eps);

// d_x and residual as in rms_norm_backward; d_weight, d_bias (n) f32 accumulate and may be undefined.
void layer_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_bias,
                         const Tensor& d_out, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd, const Tensor& residual = {});

}  // namespace artemis

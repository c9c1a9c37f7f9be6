// The parameters of the smallest layers, and their steps. The same structs hold gradients: f32
// tensors where a parameter is trained, undefined where it is frozen.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

// y = W x + b, and with a low-rank adapter (LoRA, Hu et al. 2021) y = W x + b + scale B A x. Undefined
// tensors are absent.
struct Linear {
  Tensor weight{};          // (out_features, in_features)
  Tensor bias{};            // (out_features)
  Tensor lora_a{};          // (rank, in_features)
  Tensor lora_b{};          // (out_features, rank)
  float lora_scale = 1.0f;  // alpha / rank
};

struct LayerNorm {
  Tensor weight;  // (hidden)
  Tensor bias;    // (hidden)
};

struct RmsNorm {
  Tensor weight;  // (hidden)
};

// out (tokens, out) from x (tokens, in).
void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Linear& weights);

enum class InputGradient : std::uint8_t { overwrite, accumulate };

// d_x (tokens, in) from d_out (tokens, out) when d_x is defined; gradients where they are defined.
void linear_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                     const Tensor& x, const Linear& weights, InputGradient mode = InputGradient::overwrite);

}  // namespace artemis

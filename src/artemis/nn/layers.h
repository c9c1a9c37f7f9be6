// The parameters of the smallest layers, and their backward steps. The same structs hold gradients: f32
// tensors where a parameter is trained, undefined where it is frozen.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

struct Linear {
  Tensor weight;  // (out_features, in_features)
  Tensor bias;    // (out_features), or undefined
};

struct LayerNorm {
  Tensor weight;  // (hidden)
  Tensor bias;    // (hidden)
};

struct RmsNorm {
  Tensor weight;  // (hidden)
};

enum class InputGradient : std::uint8_t { overwrite, accumulate };

// d_x (tokens, in) from d_out (tokens, out) when d_x is defined; gradients where they are defined.
void linear_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                     const Tensor& x, const Linear& weights, InputGradient mode = InputGradient::overwrite);

}  // namespace artemis

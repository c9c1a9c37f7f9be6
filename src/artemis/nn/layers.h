// The parameters of the smallest layers, and their steps. The same structs hold gradients: f32
// tensors where a parameter is trained, undefined where it is frozen.
#pragma once

#include <initializer_list>

#include "artemis/kernels/linear.h"

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

// Whether any of these gradients is wanted.
bool trained(const Linear& gradients);

// out (tokens, out) from x (tokens, in); a map with an adapter has no activation in its epilogue.
void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Linear& weights,
                    const LinearEpilogue& epilogue = {});

enum class InputGradient : std::uint8_t { overwrite, accumulate };

// d_x (tokens, in) from d_out (tokens, out) when d_x is defined; gradients where they are defined.
void linear_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                     const Tensor& x, const Linear& weights, InputGradient mode = InputGradient::overwrite);

// Several maps of one x, whose results stand side by side in out (tokens, sum of outs), and their backward:
// d_x is overwritten. One product where the weights lie one after the other in memory (Tensor::joined_rows),
// without bias and adapter; else one for each. x may be undefined when no gradient is.
void linears_forward(Context& ctx, const Tensor& out, const Tensor& x,
                     std::initializer_list<const Linear*> maps);
void linears_backward(Context& ctx, const Tensor& d_x, std::initializer_list<const Linear*> gradients,
                      const Tensor& d_out, const Tensor& x, std::initializer_list<const Linear*> maps);

}  // namespace artemis

// The two feed-forward layers: Mlp, fc2(f(fc1(x))), in the tower's blocks, its merger and the projector;
// GatedMlp, down(f(gate(x)) * up(x)), in the decoder.
#pragma once

#include "artemis/kernels/activation.h"
#include "artemis/nn/layers.h"

namespace artemis {

struct Mlp {
  Linear fc1;  // (intermediate, in)
  Linear fc2;  // (out, intermediate)
};

struct MlpSaved {
  Tensor hidden;     // (tokens, intermediate), fc1(x)
  Tensor activated;  // (tokens, intermediate), f(hidden)
};

// out (tokens, out_features); x (tokens, in_features). Fills saved from the context's arena.
void mlp_forward(Context& ctx, const Tensor& out, MlpSaved& saved, const Tensor& x, const Mlp& weights,
                 Activation activation);

// d_x is overwritten, and may be undefined; parameter gradients accumulate where they are defined.
void mlp_backward(Context& ctx, const Tensor& d_x, const Mlp& gradients, const Tensor& d_out,
                  const MlpSaved& saved, const Tensor& x, const Mlp& weights, Activation activation);

struct GatedMlp {
  Linear gate_proj;  // (intermediate, hidden)
  Linear up_proj;    // (intermediate, hidden)
  Linear down_proj;  // (hidden, intermediate)
};

struct GatedMlpSaved {
  Tensor gate;       // (tokens, intermediate)
  Tensor up;         // (tokens, intermediate)
  Tensor activated;  // (tokens, intermediate), f(gate) * up
};

void gated_mlp_forward(Context& ctx, const Tensor& out, GatedMlpSaved& saved, const Tensor& x,
                       const GatedMlp& weights, Activation activation);

void gated_mlp_backward(Context& ctx, const Tensor& d_x, const GatedMlp& gradients, const Tensor& d_out,
                        const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation);

}  // namespace artemis

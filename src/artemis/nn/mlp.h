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

// out (tokens, out_features) = fc2(f(fc1(x))) + residual (undefined: none); x (tokens, in_features). `saved`,
// if not null, is filled from the context's arena for the backward pass.
void mlp_forward(Context& ctx, const Tensor& out, MlpSaved* saved, const Tensor& x, const Mlp& weights,
                 Activation activation, const Tensor& residual = Tensor());

// d_x is overwritten, and may be undefined; parameter gradients accumulate where they are defined.
void mlp_backward(Context& ctx, const Tensor& d_x, const Mlp& gradients, const Tensor& d_out,
                  const MlpSaved& saved, const Tensor& x, const Mlp& weights, Activation activation);

struct GatedMlp {
  Linear gate_proj;  // (intermediate, hidden)
  Linear up_proj;    // (intermediate, hidden)
  Linear down_proj;  // (hidden, intermediate)
};

struct GatedMlpSaved {
  Tensor gate_up;    // (tokens, 2 intermediate), gate(x) beside up(x)
  Tensor activated;  // (tokens, intermediate), f(gate) * up
};

// Expects both tensors of `saved` allocated, and fills them; no down projection.
void gated_mlp_activate(Context& ctx, const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation);

// saved.activated from saved.gate_up.
void gated_mlp_reactivate(Context& ctx, const GatedMlpSaved& saved, Activation activation);

// out = down(f(gate(x)) * up(x)) + residual; nothing is kept.
void gated_mlp_infer(Context& ctx, const Tensor& out, const Tensor& x, const GatedMlp& weights,
                     Activation activation, const Tensor& residual);

// d_x is overwritten, and so is saved.gate_up, by its gradient. x and saved.activated may be undefined where
// no parameter gradient is defined.
void gated_mlp_backward(Context& ctx, const Tensor& d_x, const GatedMlp& gradients, const Tensor& d_out,
                        const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation);

}  // namespace artemis

#include "artemis/nn/mlp.h"

namespace artemis {

void mlp_forward(Context& ctx, const Tensor& out, MlpSaved& saved, const Tensor& x, const Mlp& weights,
                 Activation activation) {
  const Shape inner{x.dim(0), weights.fc1.weight.dim(0)};
  saved.hidden = ctx.allocate(x.dtype(), inner);
  saved.activated = ctx.allocate(x.dtype(), inner);
  linear_forward(ctx, saved.hidden, x, weights.fc1);
  activation_forward(ctx, saved.activated, saved.hidden, activation);
  linear_forward(ctx, out, saved.activated, weights.fc2);
}

void mlp_backward(Context& ctx, const Tensor& d_x, const Mlp& gradients, const Tensor& d_out,
                  const MlpSaved& saved, const Tensor& x, const Mlp& weights, Activation activation) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_hidden = ctx.allocate(x.dtype(), saved.hidden.shape());
  linear_backward(ctx, d_hidden, gradients.fc2, d_out, saved.activated, weights.fc2);
  activation_backward(ctx, d_hidden, d_hidden, saved.hidden, activation);
  linear_backward(ctx, d_x, gradients.fc1, d_hidden, x, weights.fc1);
}

void gated_mlp_forward(Context& ctx, const Tensor& out, GatedMlpSaved& saved, const Tensor& x,
                       const GatedMlp& weights, Activation activation) {
  const Shape inner{x.dim(0), weights.gate_proj.weight.dim(0)};
  saved.gate = ctx.allocate(x.dtype(), inner);
  saved.up = ctx.allocate(x.dtype(), inner);
  saved.activated = ctx.allocate(x.dtype(), inner);
  linear_forward(ctx, saved.gate, x, weights.gate_proj);
  linear_forward(ctx, saved.up, x, weights.up_proj);
  gated_forward(ctx, saved.activated, saved.gate, saved.up, activation);
  linear_forward(ctx, out, saved.activated, weights.down_proj);
}

void gated_mlp_backward(Context& ctx, const Tensor& d_x, const GatedMlp& gradients, const Tensor& d_out,
                        const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_activated = ctx.allocate(x.dtype(), saved.gate.shape());
  const Tensor d_gate = ctx.allocate(x.dtype(), saved.gate.shape());
  const Tensor d_up = ctx.allocate(x.dtype(), saved.gate.shape());
  linear_backward(ctx, d_activated, gradients.down_proj, d_out, saved.activated, weights.down_proj);
  gated_backward(ctx, d_gate, d_up, d_activated, saved.gate, saved.up, activation);
  linear_backward(ctx, d_x, gradients.gate_proj, d_gate, x, weights.gate_proj);
  linear_backward(ctx, d_x, gradients.up_proj, d_up, x, weights.up_proj, InputGradient::accumulate);
}

}  // namespace artemis

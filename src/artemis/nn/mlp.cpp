#include "artemis/nn/mlp.h"

namespace artemis {
namespace {

struct GateUp {
  Tensor gate, up;
};

GateUp split_gate_up(const Tensor& gate_up) {
  const std::int64_t width = gate_up.dim(1) / 2;
  return {gate_up.columns(0, width), gate_up.columns(width, 2 * width)};
}

bool plain(const Linear& map) { return !map.bias && !map.lora_a; }

}  // namespace

void mlp_forward(Context& ctx, const Tensor& out, MlpSaved* saved, const Tensor& x, const Mlp& weights,
                 Activation activation, const Tensor& residual) {
  const Shape inner{x.dim(0), weights.fc1.weight.dim(0)};
  const LinearEpilogue last{.activation = {}, .residual = residual};
  if (saved == nullptr) {
    const Arena::Scope scope(ctx.arena());
    const Tensor activated = ctx.allocate(x.dtype(), inner);
    linear_forward(ctx, activated, x, weights.fc1, {.activation = activation, .residual = {}});
    linear_forward(ctx, out, activated, weights.fc2, last);
    return;
  }
  saved->hidden = ctx.allocate(x.dtype(), inner);
  saved->activated = ctx.allocate(x.dtype(), inner);
  linear_forward(ctx, saved->hidden, x, weights.fc1);
  activation_forward(ctx, saved->activated, saved->hidden, activation);
  linear_forward(ctx, out, saved->activated, weights.fc2, last);
}

void mlp_backward(Context& ctx, const Tensor& d_x, const Mlp& gradients, const Tensor& d_out,
                  const MlpSaved& saved, const Tensor& x, const Mlp& weights, Activation activation) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_hidden = ctx.allocate(x.dtype(), saved.hidden.shape());
  linear_backward(ctx, d_hidden, gradients.fc2, d_out, saved.activated, weights.fc2);
  activation_backward(ctx, d_hidden, d_hidden, saved.hidden, activation);
  linear_backward(ctx, d_x, gradients.fc1, d_hidden, x, weights.fc1);
}

void gated_mlp_activate(Context& ctx, const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation) {
  linears_forward(ctx, saved.gate_up, x, {&weights.gate_proj, &weights.up_proj});
  gated_mlp_reactivate(ctx, saved, activation);
}

void gated_mlp_reactivate(Context& ctx, const GatedMlpSaved& saved, Activation activation) {
  const auto [gate, up] = split_gate_up(saved.gate_up);
  gated_forward(ctx, saved.activated, gate, up, activation);
}

void gated_mlp_infer(Context& ctx, const Tensor& out, const Tensor& x, const GatedMlp& weights,
                     Activation activation, const Tensor& residual) {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t width = weights.gate_proj.weight.dim(0);
  const Tensor activated = ctx.allocate(x.dtype(), {x.dim(0), width});
  if (plain(weights.gate_proj) && plain(weights.up_proj)) {
    gated_linear_forward(ctx, activated, x, weights.gate_proj.weight, weights.up_proj.weight, activation);
  } else {
    gated_mlp_activate(ctx,
                       {.gate_up = ctx.allocate(x.dtype(), {x.dim(0), 2 * width}), .activated = activated}, x,
                       weights, activation);
  }
  linear_forward(ctx, out, activated, weights.down_proj, {.activation = {}, .residual = residual});
}

void gated_mlp_backward(Context& ctx, const Tensor& d_x, const GatedMlp& gradients, const Tensor& d_out,
                        const GatedMlpSaved& saved, const Tensor& x, const GatedMlp& weights,
                        Activation activation) {
  {
    const Arena::Scope scope(ctx.arena());
    const auto [gate, up] = split_gate_up(saved.gate_up);
    const Tensor d_activated = ctx.allocate(d_out.dtype(), gate.shape());
    linear_backward(ctx, d_activated, gradients.down_proj, d_out, saved.activated, weights.down_proj);
    gated_backward(ctx, gate, up, d_activated, gate, up, activation);
  }
  linears_backward(ctx, d_x, {&gradients.gate_proj, &gradients.up_proj}, saved.gate_up, x,
                   {&weights.gate_proj, &weights.up_proj});
}

}  // namespace artemis

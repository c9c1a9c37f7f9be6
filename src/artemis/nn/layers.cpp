#include "artemis/nn/layers.h"

#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

// scale A x, (tokens, rank).
Tensor adapter_hidden(Context& ctx, const Tensor& x, const Linear& weights) {
  const Tensor hidden = ctx.allocate(x.dtype(), {x.dim(0), weights.lora_a.dim(0)});
  linear_forward(ctx, hidden, x, weights.lora_a, Tensor());
  multiply(ctx, hidden, weights.lora_scale);
  return hidden;
}

// d_x accumulates, when it is defined.
void adapter_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                      const Tensor& x, const Linear& weights) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_hidden = ctx.allocate(d_out.dtype(), {d_out.dim(0), weights.lora_a.dim(0)});
  linear_backward_input(ctx, d_hidden, d_out, weights.lora_b, false);
  multiply(ctx, d_hidden, weights.lora_scale);
  if (d_x) linear_backward_input(ctx, d_x, d_hidden, weights.lora_a, true);
  if (gradients.lora_a) linear_backward_weight(ctx, gradients.lora_a, Tensor(), d_hidden, x);
  if (gradients.lora_b)
    linear_backward_weight(ctx, gradients.lora_b, Tensor(), d_out, adapter_hidden(ctx, x, weights));
}

// The weights of maps side by side as one matrix; undefined where they do not lie so, or carry more.
Tensor joined_weights(std::initializer_list<const Linear*> maps) {
  Tensor all;
  for (const Linear* map : maps) {
    if (map->bias || map->lora_a) return {};
    all = all ? Tensor::joined_rows(all, map->weight) : map->weight;
    if (!all) return {};
  }
  return all;
}

}  // namespace

bool trained(const Linear& gradients) {
  return gradients.weight || gradients.bias || gradients.lora_a || gradients.lora_b;
}

void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Linear& weights,
                    const LinearEpilogue& epilogue) {
  ARTEMIS_ASSERT(!weights.lora_a || !epilogue.activation);
  linear_forward(ctx, out, x, weights.weight, weights.bias, epilogue);
  if (!weights.lora_a) return;
  const Arena::Scope scope(ctx.arena());
  const Tensor change = ctx.allocate(out.dtype(), out.shape());
  linear_forward(ctx, change, adapter_hidden(ctx, x, weights), weights.lora_b, Tensor());
  add(ctx, out, out, change);
}

void linear_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                     const Tensor& x, const Linear& weights, InputGradient mode) {
  if (d_x) linear_backward_input(ctx, d_x, d_out, weights.weight, mode == InputGradient::accumulate);
  if (gradients.weight || gradients.bias)
    linear_backward_weight(ctx, gradients.weight, gradients.bias, d_out, x);
  if (weights.lora_a) adapter_backward(ctx, d_x, gradients, d_out, x, weights);
}

void linears_forward(Context& ctx, const Tensor& out, const Tensor& x,
                     std::initializer_list<const Linear*> maps) {
  if (const Tensor all = joined_weights(maps)) return linear_forward(ctx, out, x, all, Tensor());
  std::int64_t column = 0;
  for (const Linear* map : maps) {
    const std::int64_t end = column + map->weight.dim(0);
    linear_forward(ctx, out.columns(column, end), x, *map);
    column = end;
  }
}

void linears_backward(Context& ctx, const Tensor& d_x, std::initializer_list<const Linear*> gradients,
                      const Tensor& d_out, const Tensor& x, std::initializer_list<const Linear*> maps) {
  const Tensor all = joined_weights(maps);
  if (all) linear_backward_input(ctx, d_x, d_out, all, false);
  std::int64_t column = 0;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Linear& map = *maps.begin()[i];
    const std::int64_t end = column + map.weight.dim(0);
    linear_backward(ctx, all ? Tensor() : d_x, *gradients.begin()[i], d_out.columns(column, end), x, map,
                    i == 0 ? InputGradient::overwrite : InputGradient::accumulate);
    column = end;
  }
}

}  // namespace artemis

#include "artemis/model/vision_block.h"

#include <cmath>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"

namespace artemis {
namespace {

constexpr float layer_norm_eps = 1e-6f;

}  // namespace

AttentionOptions vision_attention(const VisionConfig& config) {
  return {.heads = config.num_heads,
          .kv_heads = config.num_heads,
          .head_dim = config.head_dim(),
          .scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim()))};
}

void vision_norm(Context& ctx, LayerNormSaved& saved, const Tensor& x, const LayerNorm& weights) {
  saved.out = ctx.allocate(x.dtype(), x.shape());
  saved.mean = ctx.allocate(DType::f32, {x.dim(0)});
  saved.rstd = ctx.allocate(DType::f32, {x.dim(0)});
  layer_norm_forward(ctx, saved.out, saved.mean, saved.rstd, x, weights.weight, weights.bias, layer_norm_eps);
}

void vision_block_qkv(Context& ctx, const Tensor& qkv, LayerNormSaved& norm1, const Tensor& x,
                      const VisionBlock& weights, const RotaryTable& rotary, const VisionConfig& config) {
  vision_norm(ctx, norm1, x, weights.norm1);
  linear_forward(ctx, qkv, norm1.out, weights.qkv);
  turn_queries_and_keys(ctx, qkv, rotary, vision_attention(config));
}

void vision_block_rest(Context& ctx, const Tensor& out, const Tensor& middle, LayerNormSaved& norm2,
                       MlpSaved* mlp, const Tensor& attended, const Tensor& x, const VisionBlock& weights,
                       const VisionConfig& config) {
  linear_forward(ctx, middle, attended, weights.proj, {.activation = {}, .residual = x});
  vision_norm(ctx, norm2, middle, weights.norm2);
  mlp_forward(ctx, out, mlp, norm2.out, weights.mlp, config.hidden_act, middle);
}

void vision_block_forward(Context& ctx, const Tensor& out, VisionBlockSaved* saved, const Tensor& x,
                          const VisionBlock& weights, const PatchPlaces& places, const VisionConfig& config) {
  VisionBlockSaved unsaved;
  VisionBlockSaved& state = saved != nullptr ? *saved : unsaved;
  const std::size_t mark = ctx.arena().used();
  state.in = x;
  state.middle = ctx.allocate(x.dtype(), x.shape());
  state.attention.qkv = ctx.allocate(x.dtype(), {x.dim(0), 3 * config.hidden_size});
  state.attention.out = ctx.allocate(x.dtype(), x.shape());
  if (saved != nullptr) state.attention.lse = ctx.allocate(DType::f32, {x.dim(0), config.num_heads});
  vision_block_qkv(ctx, state.attention.qkv, state.norm1, x, weights, places.rotary, config);
  attend_heads(ctx, state.attention, places.offsets, vision_attention(config), 0, config.num_heads);
  vision_block_rest(ctx, out, state.middle, state.norm2, saved != nullptr ? &state.mlp : nullptr,
                    state.attention.out, x, weights, config);
  if (saved == nullptr) ctx.arena().release_to(mark);
}

void vision_block_backward(Context& ctx, const Tensor& d_x, const VisionBlock& gradients,
                           const VisionBlockSaved& saved, const VisionBlock& weights,
                           const PatchPlaces& places, const VisionConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_branch = ctx.allocate(d_x.dtype(), d_x.shape());
  mlp_backward(ctx, d_branch, gradients.mlp, d_x, saved.mlp, saved.norm2.out, weights.mlp, config.hidden_act);
  layer_norm_backward(ctx, d_x, gradients.norm2.weight, gradients.norm2.bias, d_branch, saved.middle,
                      weights.norm2.weight, saved.norm2.mean, saved.norm2.rstd, d_x);

  const Tensor d_qkv = ctx.allocate(d_x.dtype(), saved.attention.qkv.shape());
  linear_backward(ctx, d_branch, gradients.proj, d_x, saved.attention.out, weights.proj);
  self_attention_backward(ctx, d_qkv, d_branch, saved.attention, places.rotary, places.offsets,
                          vision_attention(config));
  linear_backward(ctx, d_branch, gradients.qkv, d_qkv, saved.norm1.out, weights.qkv);
  layer_norm_backward(ctx, d_x, gradients.norm1.weight, gradients.norm1.bias, d_branch, saved.in,
                      weights.norm1.weight, saved.norm1.mean, saved.norm1.rstd, d_x);
}

}  // namespace artemis

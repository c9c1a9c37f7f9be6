#include "artemis/model/vision_tower.h"

#include <cmath>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/vision_positions.h"

namespace artemis {
namespace {

constexpr float layer_norm_eps = 1e-6f;

AttentionOptions attention_options(const VisionConfig& config) {
  return {.heads = config.num_heads,
          .kv_heads = config.num_heads,
          .head_dim = config.head_dim(),
          .scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim()))};
}

void layer_norm(Context& ctx, LayerNormSaved& saved, const Tensor& x, const LayerNorm& weights) {
  saved.out = ctx.allocate(x.dtype(), x.shape());
  saved.mean = ctx.allocate(DType::f32, {x.dim(0)});
  saved.rstd = ctx.allocate(DType::f32, {x.dim(0)});
  layer_norm_forward(ctx, saved.out, saved.mean, saved.rstd, x, weights.weight, weights.bias, layer_norm_eps);
}

// Patch embedding plus interpolated position embedding.
void embed_patches(Context& ctx, const Tensor& out, const VisionTowerSaved& saved,
                   const VisionTower& weights) {
  linear_forward(ctx, out, saved.patches, weights.patch_embed);
  const Arena::Scope scope(ctx.arena());
  const Tensor positions = ctx.allocate(out.dtype(), out.shape());
  interpolate_rows_forward(ctx, positions, weights.pos_embed, saved.position_index, saved.position_weight);
  add(ctx, out, out, positions);
}

// `saved`, if not null, keeps what the backward pass reads; without it nothing is kept and out may be x.
void block_forward(Context& ctx, const Tensor& out, VisionBlockSaved* saved, const Tensor& x,
                   const VisionBlock& weights, const VisionTowerSaved& tower, const VisionConfig& config) {
  VisionBlockSaved unsaved;
  VisionBlockSaved& state = saved != nullptr ? *saved : unsaved;
  const std::size_t mark = ctx.arena().used();
  state.in = x;
  state.middle = ctx.allocate(x.dtype(), x.shape());
  layer_norm(ctx, state.norm1, x, weights.norm1);
  state.attention.qkv = ctx.allocate(x.dtype(), {x.dim(0), 3 * config.hidden_size});
  state.attention.out = ctx.allocate(x.dtype(), x.shape());
  if (saved != nullptr) state.attention.lse = ctx.allocate(DType::f32, {x.dim(0), config.num_heads});
  linear_forward(ctx, state.attention.qkv, state.norm1.out, weights.qkv);
  self_attention_forward(ctx, state.attention, tower.rotary, tower.offsets, attention_options(config));
  linear_forward(ctx, state.middle, state.attention.out, weights.proj, {.activation = {}, .residual = x});

  layer_norm(ctx, state.norm2, state.middle, weights.norm2);
  mlp_forward(ctx, out, saved != nullptr ? &state.mlp : nullptr, state.norm2.out, weights.mlp,
              config.hidden_act, state.middle);
  if (saved == nullptr) ctx.arena().release_to(mark);
}

// d_x holds d_out on entry and the gradient of the block's input on return.
void block_backward(Context& ctx, const Tensor& d_x, const VisionBlock& gradients,
                    const VisionBlockSaved& saved, const VisionBlock& weights, const VisionTowerSaved& tower,
                    const VisionConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_branch = ctx.allocate(d_x.dtype(), d_x.shape());
  mlp_backward(ctx, d_branch, gradients.mlp, d_x, saved.mlp, saved.norm2.out, weights.mlp, config.hidden_act);
  layer_norm_backward(ctx, d_x, gradients.norm2.weight, gradients.norm2.bias, d_branch, saved.middle,
                      weights.norm2.weight, saved.norm2.mean, saved.norm2.rstd, d_x);

  const Tensor d_qkv = ctx.allocate(d_x.dtype(), saved.attention.qkv.shape());
  linear_backward(ctx, d_branch, gradients.proj, d_x, saved.attention.out, weights.proj);
  self_attention_backward(ctx, d_qkv, d_branch, saved.attention, tower.rotary, tower.offsets,
                          attention_options(config));
  linear_backward(ctx, d_branch, gradients.qkv, d_qkv, saved.norm1.out, weights.qkv);
  layer_norm_backward(ctx, d_x, gradients.norm1.weight, gradients.norm1.bias, d_branch, saved.in,
                      weights.norm1.weight, saved.norm1.mean, saved.norm1.rstd, d_x);
}

bool trained(const VisionBlock& gradients) { return gradients.qkv.weight.defined(); }

// The first block whose weights are trained; 0 when the embeddings are, the number of blocks when none is.
std::size_t lowest_trained_block(const VisionTower& gradients) {
  if (gradients.patch_embed.weight || gradients.pos_embed) return 0;
  std::size_t block = 0;
  while (block < gradients.blocks.size() && !trained(gradients.blocks[block])) ++block;
  return block;
}

void prepare_positions(Context& ctx, VisionTowerSaved& saved, const PictureBatch& pictures,
                       const VisionConfig& config) {
  const VisionPositions positions = vision_positions(config, pictures);
  const auto patches = static_cast<std::int64_t>(positions.coordinates.size());
  const auto offsets = static_cast<std::int64_t>(positions.offsets.size());
  saved.offsets = ctx.upload(DType::i32, {offsets}, positions.offsets.data());
  saved.position_index = ctx.upload(DType::i32, {patches, 4}, positions.index.data());
  saved.position_weight = ctx.upload(DType::f32, {patches, 4}, positions.weight.data());
  saved.rotary = rotary_table_2d(ctx, positions.coordinates, config.head_dim(), config.rope_theta);
}

void prepare_patches(Context& ctx, VisionTowerSaved& saved, const PictureBatch& pictures, DType dtype) {
  saved.patches = ctx.allocate(dtype, pictures.pixel_values.shape());
  const Arena::Scope scope(ctx.arena());
  convert(ctx, saved.patches, ctx.on_device(pictures.pixel_values));
}

}  // namespace

std::int64_t image_tokens(const VisionConfig& config, const PictureBatch& pictures) {
  std::int64_t patches = 0;
  for (const auto& [frames, rows, columns] : pictures.grid_thw) patches += frames * rows * columns;
  return patches / config.merge_length();
}

void vision_tower_forward(Context& ctx, const Tensor& out, VisionTowerSaved* saved,
                          const PictureBatch& pictures, const VisionTower& weights,
                          const VisionConfig& config) {
  VisionTowerSaved unsaved;
  VisionTowerSaved& state = saved != nullptr ? *saved : unsaved;
  const DType dtype = weights.pos_embed.dtype();
  const Shape hidden{pictures.pixel_values.dim(0), config.hidden_size};
  prepare_patches(ctx, state, pictures, dtype);
  prepare_positions(ctx, state, pictures, config);

  Tensor x = ctx.allocate(dtype, hidden);
  embed_patches(ctx, x, state, weights);
  state.blocks.resize(saved != nullptr ? weights.blocks.size() : 0);
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const Tensor next = saved != nullptr ? ctx.allocate(dtype, hidden) : x;
    block_forward(ctx, next, saved != nullptr ? &state.blocks[i] : nullptr, x, weights.blocks[i], state,
                  config);
    x = next;
  }
  state.out = x;
  layer_norm(ctx, state.merger_norm, x, weights.merger.norm);
  const Tensor grouped = state.merger_norm.out.view({out.dim(0), config.merge_length() * config.hidden_size});
  mlp_forward(ctx, out, saved != nullptr ? &state.merger_mlp : nullptr, grouped, weights.merger.mlp,
              Activation::gelu_erf);
}

void vision_tower_backward(Context& ctx, const VisionTower& gradients, const Tensor& d_out,
                           const VisionTowerSaved& saved, const VisionTower& weights,
                           const VisionConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor d_x = ctx.allocate(d_out.dtype(), saved.out.shape());
  const Shape groups{d_out.dim(0), config.merge_length() * config.hidden_size};
  mlp_backward(ctx, d_x.view(groups), gradients.merger.mlp, d_out, saved.merger_mlp,
               saved.merger_norm.out.view(groups), weights.merger.mlp, Activation::gelu_erf);
  layer_norm_backward(ctx, d_x, gradients.merger.norm.weight, gradients.merger.norm.bias, d_x, saved.out,
                      weights.merger.norm.weight, saved.merger_norm.mean, saved.merger_norm.rstd);
  for (std::size_t i = weights.blocks.size(); i-- > lowest_trained_block(gradients);) {
    block_backward(ctx, d_x, gradients.blocks[i], saved.blocks[i], weights.blocks[i], saved, config);
  }
  if (gradients.patch_embed.weight || gradients.patch_embed.bias) {
    linear_backward_weight(ctx, gradients.patch_embed.weight, gradients.patch_embed.bias, d_x, saved.patches);
  }
  if (gradients.pos_embed) {
    interpolate_rows_backward(ctx, gradients.pos_embed, d_x, saved.position_index, saved.position_weight);
  }
}

}  // namespace artemis

#include "artemis/model/vision_tower.h"

#include <algorithm>
#include <utility>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/vision_positions.h"

namespace artemis {
namespace {

// Patch embedding plus interpolated position embedding.
void embed_patches(Context& ctx, const Tensor& out, const VisionTowerSaved& saved,
                   const VisionTower& weights) {
  linear_forward(ctx, out, saved.patches, weights.patch_embed);
  const Arena::Scope scope(ctx.arena());
  const Tensor positions = ctx.allocate(out.dtype(), out.shape());
  interpolate_rows_forward(ctx, positions, weights.pos_embed, saved.position_index, saved.position_weight);
  add(ctx, out, out, positions);
}

// `mlp` may be null.
void merge_patches(Context& ctx, const Tensor& out, LayerNormSaved& norm, MlpSaved* mlp, const Tensor& x,
                   const PatchMerger& weights) {
  vision_norm(ctx, norm, x, weights.norm);
  mlp_forward(ctx, out, mlp, norm.out.view({out.dim(0), x.count() / out.dim(0)}), weights.mlp,
              Activation::gelu_erf);
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
  saved.places.offsets = ctx.upload(DType::i32, {offsets}, positions.offsets.data());
  saved.position_index = ctx.upload(DType::i32, {patches, 4}, positions.index.data());
  saved.position_weight = ctx.upload(DType::f32, {patches, 4}, positions.weight.data());
  saved.places.rotary = rotary_table_2d(ctx, positions.coordinates, config.head_dim(), config.rope_theta);
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
    vision_block_forward(ctx, next, saved != nullptr ? &state.blocks[i] : nullptr, x, weights.blocks[i],
                         state.places, config);
    x = next;
  }
  state.out = x;
  merge_patches(ctx, out, state.merger_norm, saved != nullptr ? &state.merger_mlp : nullptr, x,
                weights.merger);
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
    vision_block_backward(ctx, d_x, gradients.blocks[i], saved.blocks[i], weights.blocks[i], saved.places,
                          config);
  }
  if (gradients.patch_embed.weight || gradients.patch_embed.bias) {
    linear_backward_weight(ctx, gradients.patch_embed.weight, gradients.patch_embed.bias, d_x, saved.patches);
  }
  if (gradients.pos_embed) {
    interpolate_rows_backward(ctx, gradients.pos_embed, d_x, saved.position_index, saved.position_weight);
  }
}

VisionPass::State VisionPass::allocate(Arena& arena, DType dtype, const VisionConfig& config,
                                       std::int64_t patches, std::int64_t frames) {
  const Shape hidden{patches, config.hidden_size};
  const Shape angles{patches, config.head_dim() / 2};
  return {.x = arena.allocate(dtype, hidden),
          .attention = {.qkv = arena.allocate(dtype, {patches, 3 * config.hidden_size}),
                        .out = arena.allocate(dtype, hidden),
                        .lse = {}},
          .places = {.offsets = arena.allocate(DType::i32, {frames + 1}),
                     .rotary = {.cos = arena.allocate(DType::f32, angles),
                                .sin = arena.allocate(DType::f32, angles)}}};
}

std::size_t VisionPass::state_bytes(DType dtype, const VisionConfig& config, std::int64_t patches) {
  Arena counted(0, Device{DeviceKind::meta, 0});
  allocate(counted, dtype, config, patches, patches);
  return counted.used();
}

VisionPass::VisionPass(Context& ctx, Arena& state, const PictureBatch& pictures, const VisionTower& weights,
                       const VisionConfig& config)
    : weights_(weights), config_(config) {
  const Arena::Scope scope(ctx.arena());
  VisionTowerSaved embedded;
  prepare_patches(ctx, embedded, pictures, weights.pos_embed.dtype());
  prepare_positions(ctx, embedded, pictures, config);
  for (const auto& [frames, rows, columns] : pictures.grid_thw)
    pairs_ += frames * rows * columns * rows * columns;
  const PatchPlaces& places = embedded.places;
  state_ =
      allocate(state, weights.pos_embed.dtype(), config, embedded.patches.dim(0), places.offsets.dim(0) - 1);
  embed_patches(ctx, state_.x, embedded, weights);
  ctx.copy(state_.places.offsets, places.offsets);
  ctx.copy(state_.places.rotary.cos, places.rotary.cos);
  ctx.copy(state_.places.rotary.sin, places.rotary.sin);
}

void VisionPass::advance(Context& ctx, std::int64_t work) {
  do {
    work -= piece(ctx, work);
  } while (work > 0 && !done());
}

// Returns its multiply-adds.
std::int64_t VisionPass::piece(Context& ctx, std::int64_t work) {
  ARTEMIS_ASSERT(!done());
  const Arena::Scope scope(ctx.arena());
  const VisionBlock& block = weights_.blocks[block_];
  const std::int64_t patches = state_.x.dim(0);
  LayerNormSaved norm;
  if (heads_ < 0) {
    vision_block_qkv(ctx, state_.attention.qkv, norm, state_.x, block, state_.places.rotary, config_);
    heads_ = 0;
    return patches * block.qkv.weight.count();
  }
  if (heads_ < config_.num_heads) {
    const std::int64_t each = 2 * pairs_ * config_.head_dim();
    const std::int64_t end = heads_ + std::clamp<std::int64_t>(work / each, 1, config_.num_heads - heads_);
    attend_heads(ctx, state_.attention, state_.places.offsets, vision_attention(config_), heads_, end);
    return each * (end - std::exchange(heads_, end));
  }
  const Tensor middle = ctx.allocate(state_.x.dtype(), state_.x.shape());
  vision_block_rest(ctx, state_.x, middle, norm, nullptr, state_.attention.out, state_.x, block, config_);
  ++block_;
  heads_ = -1;
  return patches * (block.proj.weight.count() + block.mlp.fc1.weight.count() + block.mlp.fc2.weight.count());
}

void VisionPass::merge(Context& ctx, const Tensor& out) const {
  ARTEMIS_ASSERT(done());
  const Arena::Scope scope(ctx.arena());
  LayerNormSaved norm;
  merge_patches(ctx, out, norm, nullptr, state_.x, weights_.merger);
}

}  // namespace artemis

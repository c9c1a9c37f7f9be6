#include "artemis/model/graft.h"

#include <algorithm>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/index_tensor.h"
#include "artemis/model/language_loss.h"

namespace artemis {
namespace {

Tensor token_ids(Context& ctx, const TextBatch& batch, const Tensor& embeddings) {
  return index_tensor(ctx, batch.input_ids, embeddings.dim(0), "token id");
}

// The rows of the image tokens, in order.
Tensor image_rows(Context& ctx, const TextBatch& batch, std::int32_t image_token_id) {
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < batch.input_ids.size(); ++i) {
    if (batch.input_ids[i] == image_token_id) rows.push_back(static_cast<std::int32_t>(i));
  }
  return index_tensor(ctx, rows, batch.tokens(), "row");
}

// The tokens from each sequence's first picture on, and where the image tokens stand among them.
struct NeededTokens {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> images;
};

NeededTokens needed_tokens(const TextBatch& batch, std::int32_t image_token_id) {
  NeededTokens needed;
  for (std::size_t s = 1; s < batch.offsets.size(); ++s) {
    bool seen = false;
    for (std::int32_t i = batch.offsets[s - 1]; i < batch.offsets[s]; ++i) {
      const bool image = batch.input_ids[static_cast<std::size_t>(i)] == image_token_id;
      seen = seen || image;
      if (image) needed.images.push_back(static_cast<std::int32_t>(needed.tokens.size()));
      if (seen) needed.tokens.push_back(i);
    }
  }
  return needed;
}

// Picking what a row's backward pass reads moves 156 kB a block at A3's widths, where the pass itself
// computes 0.5 GFLOP: about a fifteenth of its time, so that leaving out few rows does not pay.
bool worth_skipping(std::size_t needed, std::int64_t tokens) {
  constexpr std::int64_t least_share = 8;
  return tokens - static_cast<std::int64_t>(needed) > tokens / least_share;
}

DType activation_dtype(const Graft& model) { return model.language_model.embed_tokens.dtype(); }

Tensor supervised_rows(Context& ctx, const TextBatch& batch, const Supervision& supervision) {
  return index_tensor(ctx, supervision.rows, batch.tokens(), "supervised row");
}

struct FeaturesSaved {
  VisionTowerSaved tower;
  Tensor merged;  // (image tokens, out_hidden_size)
  MlpSaved projector;
};

void features_forward(Context& ctx, const Tensor& features, FeaturesSaved& saved, bool save_tower,
                      const PictureBatch& pictures, const Graft& model, const GraftConfig& config) {
  saved.merged = ctx.allocate(features.dtype(), {features.dim(0), config.vision->out_hidden_size});
  // Without a backward pass through the tower nothing of it outlives its output.
  const std::size_t mark = ctx.arena().used();
  vision_tower_forward(ctx, saved.merged, save_tower ? &saved.tower : nullptr, pictures, model.visual,
                       *config.vision);
  if (!save_tower) ctx.arena().release_to(mark);
  mlp_forward(ctx, features, &saved.projector, saved.merged, model.multi_modal_projector,
              config.projector_act);
}

void features_backward(Context& ctx, const Graft& gradients, const Tensor& d_features,
                       const FeaturesSaved& saved, bool through_tower, const Graft& model,
                       const GraftConfig& config) {
  const Tensor d_merged = through_tower ? ctx.allocate(d_features.dtype(), saved.merged.shape()) : Tensor();
  mlp_backward(ctx, d_merged, gradients.multi_modal_projector, d_features, saved.projector, saved.merged,
               model.multi_modal_projector, config.projector_act);
  if (through_tower) {
    vision_tower_backward(ctx, gradients.visual, d_merged, saved.tower, model.visual, *config.vision);
  }
}

bool tower_trained(const Graft& gradients) {
  if (gradients.visual.merger.mlp.fc1.weight || gradients.visual.pos_embed) return true;
  return !gradients.visual.blocks.empty() && gradients.visual.blocks.back().qkv.weight.defined();
}

bool adapters_trained(const Decoder& gradients) {
  const auto adapted = [](const Linear& linear) { return linear.lora_a.defined(); };
  return std::ranges::any_of(gradients.blocks, [&](const DecoderBlock& block) {
    return adapted(block.q_proj) || adapted(block.k_proj) || adapted(block.v_proj) || adapted(block.o_proj) ||
           adapted(block.mlp.gate_proj) || adapted(block.mlp.up_proj) || adapted(block.mlp.down_proj);
  });
}

// The embedding's gradient: every token that is no picture adds its row; a tied head adds its own elsewhere.
void embedding_backward(Context& ctx, const Tensor& d_embed, const Tensor& d_x, const TextBatch& batch,
                        const Tensor& rows) {
  const Tensor nothing = ctx.allocate(d_x.dtype(), {rows.dim(0), d_x.dim(1)});
  fill(ctx, nothing, 0.0f);
  scatter_rows(ctx, d_x, nothing, rows);
  scatter_add_rows(ctx, d_embed, d_x, token_ids(ctx, batch, d_embed));
}

}  // namespace

Trainable training_stage(int stage, std::int64_t tower_blocks) {
  if (stage != 1 && stage != 2)
    throw UsageError("stage", fmt::format("{} is no stage, expected 1 or 2", stage));
  return {.projector = true, .decoder = stage == 2, .tower_blocks = tower_blocks};
}

void image_features(Context& ctx, const Tensor& features, const PictureBatch& pictures, const Graft& model,
                    const GraftConfig& config) {
  const Arena::Scope scope(ctx.arena());
  FeaturesSaved saved;
  features_forward(ctx, features, saved, false, pictures, model, config);
}

void image_features(Context& ctx, const Tensor& features, const VisionPass& tower, const Graft& model,
                    const GraftConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor merged = ctx.allocate(features.dtype(), {features.dim(0), config.vision->out_hidden_size});
  tower.merge(ctx, merged);
  mlp_forward(ctx, features, nullptr, merged, model.multi_modal_projector, config.projector_act);
}

void embed(Context& ctx, const Tensor& x, const TextBatch& batch, const Tensor& features, const Graft& model,
           const GraftConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor& embeddings = model.language_model.embed_tokens;
  gather_rows(ctx, x, embeddings, token_ids(ctx, batch, embeddings));
  if (!features) return;
  const Tensor rows = image_rows(ctx, batch, config.image_token_id);
  require(rows.dim(0) == features.dim(0), "pictures",
          "{} <|image_pad|> tokens (id {}) stand in the text, the pictures give {} features", rows.dim(0),
          config.image_token_id, features.dim(0));
  scatter_rows(ctx, x, features, rows);
}

void graft_logits(Context& ctx, const Tensor& logits, const TextBatch& batch, const Tensor& features,
                  const Graft& model, const GraftConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const DType dtype = activation_dtype(model);
  const Shape shape{batch.tokens(), config.text.hidden_size};
  const Tensor x = ctx.allocate(dtype, shape);
  const Tensor hidden = ctx.allocate(dtype, shape);
  embed(ctx, x, batch, features, model, config);
  decoder_infer(ctx, hidden, x, batch, Tensor(), model.language_model, config.text);
  linear_forward(ctx, logits, hidden, model.language_model.lm_head, Tensor());
}

double graft_loss(Context& ctx, const TextBatch& batch, const PictureBatch& pictures,
                  const Supervision& supervision, const Graft& model, const GraftConfig& config) {
  if (supervision.count() == 0) return 0;
  const Arena::Scope scope(ctx.arena());
  const DType dtype = activation_dtype(model);
  const std::int64_t width = config.text.hidden_size;
  const Tensor x = ctx.allocate(dtype, {batch.tokens(), width});
  const Tensor hidden = ctx.allocate(dtype, {supervision.count(), width});
  Tensor features;
  if (!pictures.empty()) {
    features = ctx.allocate(dtype, {image_tokens(*config.vision, pictures), config.text.hidden_size});
    image_features(ctx, features, pictures, model, config);
  }
  embed(ctx, x, batch, features, model, config);
  decoder_infer(ctx, hidden, x, batch, supervised_rows(ctx, batch, supervision), model.language_model,
                config.text);
  return language_loss(ctx, Tensor(), Tensor(), hidden, model.language_model.lm_head, supervision, 0.0f);
}

double graft_loss_and_gradients(Context& ctx, const Graft& gradients, const TextBatch& batch,
                                const PictureBatch& pictures, const Supervision& supervision, float scale,
                                const Graft& model, const GraftConfig& config, Recompute recompute) {
  if (supervision.count() == 0) return 0;
  const Arena::Scope scope(ctx.arena());
  const DType dtype = activation_dtype(model);
  const Shape shape{batch.tokens(), config.text.hidden_size};
  const Shape supervised{supervision.count(), config.text.hidden_size};
  const bool through_tower = tower_trained(gradients);
  const Tensor x = ctx.allocate(dtype, shape);
  const Tensor hidden = ctx.allocate(dtype, supervised);
  FeaturesSaved features_saved;
  DecoderSaved decoder_saved;
  decoder_saved.recompute = recompute;
  Tensor features;
  if (!pictures.empty()) {
    features = ctx.allocate(dtype, {image_tokens(*config.vision, pictures), config.text.hidden_size});
    features_forward(ctx, features, features_saved, through_tower, pictures, model, config);
  }
  embed(ctx, x, batch, features, model, config);
  const bool decoder_trained = gradients.language_model.embed_tokens.defined();
  const bool frozen = !decoder_trained && !adapters_trained(gradients.language_model);
  const NeededTokens needed = needed_tokens(batch, config.image_token_id);
  const bool skipping = frozen && !pictures.empty() && worth_skipping(needed.tokens.size(), batch.tokens());
  if (skipping) decoder_saved.needed = index_tensor(ctx, needed.tokens, batch.tokens(), "token");
  decoder_forward(ctx, hidden, decoder_saved, x, batch, supervised_rows(ctx, batch, supervision),
                  gradients.language_model, model.language_model, config.text);

  const Tensor d_hidden = ctx.allocate(dtype, supervised);
  const double loss = language_loss(ctx, d_hidden, gradients.language_model.lm_head, hidden,
                                    model.language_model.lm_head, supervision, scale);
  if (pictures.empty() && frozen) return loss;  // nothing that is trained was used

  const std::int64_t reached = skipping ? decoder_saved.needed.dim(0) : batch.tokens();
  const Tensor d_x = ctx.allocate(dtype, {reached, shape[1]});
  decoder_backward(ctx, d_x, gradients.language_model, d_hidden, decoder_saved, model.language_model,
                   config.text);
  const Tensor rows = image_rows(ctx, batch, config.image_token_id);
  if (!pictures.empty()) {
    const Tensor d_features = ctx.allocate(dtype, features.shape());
    gather_rows(ctx, d_features, d_x, skipping ? index_tensor(ctx, needed.images, reached, "row") : rows);
    features_backward(ctx, gradients, d_features, features_saved, through_tower, model, config);
  }
  if (decoder_trained) {
    embedding_backward(ctx, gradients.language_model.embed_tokens, d_x, batch,
                       pictures.empty() ? rows.rows(0, 0) : rows);
  }
  return loss;
}

}  // namespace artemis

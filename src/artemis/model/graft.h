// The graft: tower, projector and decoder as one model, its forward pass, its loss and its gradients.
// Source: ArtemisVLMForConditionalGeneration.
#pragma once

#include "artemis/model/batch.h"
#include "artemis/model/config.h"
#include "artemis/model/decoder.h"
#include "artemis/model/vision_tower.h"

namespace artemis {

struct Graft {
  VisionTower visual;         // empty in a bare decoder
  Mlp multi_modal_projector;  // likewise
  Decoder language_model;
};

// What is trained. Stage 1: the projector; Stage 2: the decoder too, or its adapters alone; the top
// `tower_blocks` blocks of the tower, or the tower whole.
struct Trainable {
  bool projector = false;
  bool decoder = false;
  bool lora = false;
  bool tower = false;
  std::int64_t tower_blocks = 0;

  bool any_tower() const { return tower || tower_blocks > 0; }
};

// The stage's choice (1 or 2), with the top blocks of the tower opened as asked; throws UsageError for
// another stage.
Trainable training_stage(int stage, std::int64_t tower_blocks);

// features (image tokens, hidden_size): the projected features of all pictures of a batch.
void image_features(Context& ctx, const Tensor& features, const PictureBatch& pictures, const Graft& model,
                    const GraftConfig& config);

// The same, of a pass of the tower that is done.
void image_features(Context& ctx, const Tensor& features, const VisionPass& tower, const Graft& model,
                    const GraftConfig& config);

// x (tokens, hidden_size): token embeddings, with those at image_token_id overwritten by the features in
// order (undefined features: none). Throws Error with both counts when they differ.
void embed(Context& ctx, const Tensor& x, const TextBatch& batch, const Tensor& features, const Graft& model,
           const GraftConfig& config);

// The logits (rows, vocab), f32, of all tokens of a batch. For probes and tests.
void graft_logits(Context& ctx, const Tensor& logits, const TextBatch& batch, const Tensor& features,
                  const Graft& model, const GraftConfig& config);

// The weighted sum of -log p over the supervised positions of a batch; no gradients.
double graft_loss(Context& ctx, const TextBatch& batch, const PictureBatch& pictures,
                  const Supervision& supervision, const Graft& model, const GraftConfig& config);

// The same, and `scale` times its gradients, which accumulate in `gradients` where they are defined.
double graft_loss_and_gradients(Context& ctx, const Graft& gradients, const TextBatch& batch,
                                const PictureBatch& pictures, const Supervision& supervision, float scale,
                                const Graft& model, const GraftConfig& config,
                                Recompute recompute = Recompute::none);

}  // namespace artemis

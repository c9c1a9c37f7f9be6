// Qwen3-VL's vision tower without DeepStack (transformers Qwen3VLVisionModel, pooler_output).
#pragma once

#include <vector>

#include "artemis/model/batch.h"
#include "artemis/model/config.h"
#include "artemis/nn/mlp.h"
#include "artemis/nn/self_attention.h"

namespace artemis {

struct VisionBlock {
  LayerNorm norm1;  // (hidden)
  Linear qkv;       // (3 hidden, hidden)
  Linear proj;      // (hidden, hidden)
  LayerNorm norm2;  // (hidden)
  Mlp mlp;          // hidden -> intermediate -> hidden
};

struct PatchMerger {
  LayerNorm norm;  // (hidden)
  Mlp mlp;         // 4 hidden -> 4 hidden -> out_hidden_size
};

struct VisionTower {
  Linear patch_embed;  // (hidden, patch_width); stored (hidden, channels, frames, height, width)
  Tensor pos_embed;    // (num_position_embeddings, hidden)
  std::vector<VisionBlock> blocks;
  PatchMerger merger;
};

struct LayerNormSaved {
  Tensor out;   // (tokens, hidden)
  Tensor mean;  // (tokens) f32
  Tensor rstd;  // (tokens) f32
};

struct VisionBlockSaved {
  Tensor in;  // (patches, hidden)
  LayerNormSaved norm1;
  SelfAttentionSaved attention;
  Tensor middle;  // (patches, hidden), after the attention's residual
  LayerNormSaved norm2;
  MlpSaved mlp;
};

struct VisionTowerSaved {
  Tensor patches;          // (patches, patch_width) in the tower's dtype
  Tensor offsets;          // (frames + 1) i32
  Tensor position_index;   // (patches, 4) i32
  Tensor position_weight;  // (patches, 4) f32
  RotaryTable rotary;
  std::vector<VisionBlockSaved> blocks;
  Tensor out;  // (patches, hidden), after the last block
  LayerNormSaved merger_norm;
  MlpSaved merger_mlp;
};

// Merged tokens of the pictures together.
std::int64_t image_tokens(const VisionConfig& config, const PictureBatch& pictures);

// out (image tokens, out_hidden_size). `saved` may be null (no backward pass follows): less memory is then
// held.
void vision_tower_forward(Context& ctx, const Tensor& out, VisionTowerSaved* saved,
                          const PictureBatch& pictures, const VisionTower& weights,
                          const VisionConfig& config);

// Parameter gradients accumulate in `gradients` where they are defined; the pass ends at the lowest trained
// layer.
void vision_tower_backward(Context& ctx, const VisionTower& gradients, const Tensor& d_out,
                           const VisionTowerSaved& saved, const VisionTower& weights,
                           const VisionConfig& config);

}  // namespace artemis

// Qwen3-VL's vision tower without DeepStack (transformers Qwen3VLVisionModel, pooler_output).
#pragma once

#include <vector>

#include "artemis/model/batch.h"
#include "artemis/model/config.h"
#include "artemis/model/vision_block.h"

namespace artemis {

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

struct VisionTowerSaved {
  Tensor patches;          // (patches, patch_width) in the tower's dtype
  Tensor position_index;   // (patches, 4) i32
  Tensor position_weight;  // (patches, 4) f32
  PatchPlaces places;
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

// The forward pass in pieces, between which other work may be done.
class VisionPass {
 public:
  // Embeds the patches. `state`, which nothing else uses meanwhile, keeps what stands between the pieces:
  // give it back when the pass is gone.
  VisionPass(Context& ctx, Arena& state, const PictureBatch& pictures, const VisionTower& weights,
             const VisionConfig& config);

  // Does pieces of about `work` multiply-adds together, one at the least: the projections of a block, some of
  // its heads, or what follows them.
  void advance(Context& ctx, std::int64_t work);
  bool done() const { return block_ == weights_.blocks.size(); }
  // out (image tokens, out_hidden_size), once it is done.
  void merge(Context& ctx, const Tensor& out) const;

  // Bytes of `state` for so many patches at the most.
  static std::size_t state_bytes(DType dtype, const VisionConfig& config, std::int64_t patches);

 private:
  struct State {
    Tensor x;                      // (patches, hidden)
    SelfAttentionSaved attention;  // of the block that is under way
    PatchPlaces places;
  };

  static State allocate(Arena& arena, DType dtype, const VisionConfig& config, std::int64_t patches,
                        std::int64_t frames);
  std::int64_t piece(Context& ctx, std::int64_t work);

  const VisionTower& weights_;
  const VisionConfig& config_;
  State state_;
  std::int64_t pairs_ = 0;  // of patches that see each other
  std::size_t block_ = 0;
  std::int64_t heads_ = -1;  // that are done in it; -1: its projections are not
};

}  // namespace artemis

// One block of the vision tower. Source: transformers Qwen3VLVisionBlock.
#pragma once

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

// Which patches see each other, and how each is turned.
struct PatchPlaces {
  Tensor offsets;  // (frames + 1) i32
  RotaryTable rotary;
};

AttentionOptions vision_attention(const VisionConfig& config);

// saved.out (shape of x) with its mean and rstd, from the arena.
void vision_norm(Context& ctx, LayerNormSaved& saved, const Tensor& x, const LayerNorm& weights);

// qkv (patches, 3 hidden) of x (patches, hidden), queries and keys turned.
void vision_block_qkv(Context& ctx, const Tensor& qkv, LayerNormSaved& norm1, const Tensor& x,
                      const VisionBlock& weights, const RotaryTable& rotary, const VisionConfig& config);

// What follows the heads: out (patches, hidden), which may be x; `middle` likewise. `mlp` may be null.
void vision_block_rest(Context& ctx, const Tensor& out, const Tensor& middle, LayerNormSaved& norm2,
                       MlpSaved* mlp, const Tensor& attended, const Tensor& x, const VisionBlock& weights,
                       const VisionConfig& config);

// `saved`, if not null, keeps what the backward pass reads; without it nothing is kept and out may be x.
void vision_block_forward(Context& ctx, const Tensor& out, VisionBlockSaved* saved, const Tensor& x,
                          const VisionBlock& weights, const PatchPlaces& places, const VisionConfig& config);

// d_x holds d_out on entry and the gradient of the block's input on return.
void vision_block_backward(Context& ctx, const Tensor& d_x, const VisionBlock& gradients,
                           const VisionBlockSaved& saved, const VisionBlock& weights,
                           const PatchPlaces& places, const VisionConfig& config);

}  // namespace artemis

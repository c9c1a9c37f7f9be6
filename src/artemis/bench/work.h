// Random inputs of a model, and the work that they ask for, counted from the shapes.
#pragma once

#include "artemis/bench/preset.h"
#include "artemis/model/weight_names.h"
#include "artemis/train/collate.h"

namespace artemis::bench {

// Square pictures, pixels on the context's device.
PictureBatch random_pictures(Context& ctx, const VisionConfig& config, std::int64_t count, std::int64_t side);

// One sequence without image tokens.
TextBatch random_text(const GraftConfig& config, std::int64_t tokens);

// Image tokens of one square picture.
std::int64_t picture_tokens(const VisionConfig& config, std::int64_t side);

// A conversation of one picture within its prompt, and as many tokens behind.
TextBatch picture_text(const GraftConfig& config, const Lengths& lengths, std::int64_t behind);

// Rows of one picture, prompt and caption, as the trainer takes them: pixels on the host, the caption alone
// supervised.
Batch caption_batch(const GraftConfig& config, const Lengths& lengths, std::int64_t samples);

// Elements of the matrices that every token of a part is multiplied by: those of its blocks.
double block_parameters(const GraftConfig& config, Part part);

// Of q k^T and of its product with v.
double attention_flop(double queries, double keys, std::int64_t heads, std::int64_t head_dim,
                      std::int64_t layers);

// Pictures through tower and projector.
double picture_flop(const GraftConfig& config, std::int64_t side);

// A prompt without a past through the blocks of the decoder.
double prefill_flop(const GraftConfig& config, std::int64_t tokens);

// One sample of Stage 1: forward and input gradients through the decoder, the head for the caption, the tower
// forward.
double stage1_flop(const GraftConfig& config, const Lengths& lengths);

// What one token of one conversation at this depth reads: the decoder's weights and the cache.
double decode_bytes(const GraftConfig& config, DType dtype, double depth);

}  // namespace artemis::bench

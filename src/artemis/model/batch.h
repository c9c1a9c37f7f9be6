// One ragged batch: pictures and conversations, each kind lying one after the other.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "artemis/core/tensor.h"

namespace artemis {

// The patches of all pictures of a batch.
struct PictureBatch {
  Tensor pixel_values;                                // (patches, patch_width) f32
  std::vector<std::array<std::int64_t, 3>> grid_thw;  // (frames, rows, columns) of patches for each picture

  bool empty() const { return grid_thw.empty(); }
};

// The pictures of several batches, in order, as one; of a single batch over the same memory.
PictureBatch join_pictures(std::span<const PictureBatch* const> batches);

// Token sequences. Values stand on the host; the model brings to the device what its kernels read.
struct TextBatch {
  std::vector<std::int32_t> input_ids;  // (tokens)
  std::vector<std::int32_t> offsets;    // (sequences + 1), from 0 to tokens
  std::vector<std::int32_t> positions;  // (tokens), each token's place in its conversation

  std::int64_t tokens() const { return static_cast<std::int64_t>(input_ids.size()); }
  std::int64_t sequences() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
};

// The supervised positions: the logits of row `rows[i]` should give `labels[i]`. The rows are distinct.
struct Supervision {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> labels;
  std::vector<float> weights{};  // of each position's loss; empty: 1 each

  std::int64_t count() const { return static_cast<std::int64_t>(rows.size()); }
};

}  // namespace artemis

// Where each patch of a picture stands: its row and column in merge-block order, and the four rows of the
// position table that it is interpolated from.
#pragma once

#include <array>
#include <vector>

#include "artemis/model/batch.h"
#include "artemis/model/config.h"

namespace artemis {

struct VisionPositions {
  std::vector<std::array<std::int32_t, 2>> coordinates;  // (row, column) of each patch
  std::vector<std::array<std::int32_t, 4>> index;        // rows of pos_embed
  std::vector<std::array<float, 4>> weight;              // of those rows; they sum to 1
  std::vector<std::int32_t> offsets;                     // patches of one frame belong together
};

// Patches run (block row, block column, row in block, column in block), as the image processor lays them out.
// The position table is a square of side floor(sqrt(num_position_embeddings)), read bilinearly with its
// corners on the picture's corners. Throws Error for a grid that is no multiple of the merge size.
VisionPositions vision_positions(const VisionConfig& config, const PictureBatch& pictures);

}  // namespace artemis

#include "artemis/model/vision_positions.h"

#include <algorithm>
#include <cmath>

#include "artemis/core/error.h"

namespace artemis {
namespace {

// The two table coordinates around a patch coordinate, and their weights.
struct Taps {
  std::array<std::int32_t, 2> index;
  std::array<float, 2> weight;
};

std::vector<Taps> axis_taps(std::int64_t extent, std::int64_t side) {
  std::vector<Taps> taps;
  for (std::int64_t i = 0; i < extent; ++i) {
    const float source = static_cast<float>(i) * static_cast<float>(side - 1) /
                         static_cast<float>(std::max<std::int64_t>(extent - 1, 1));
    const float lower = std::floor(source);
    const auto first = std::clamp<std::int64_t>(static_cast<std::int64_t>(lower), 0, side - 1);
    const auto second = std::clamp<std::int64_t>(static_cast<std::int64_t>(lower) + 1, 0, side - 1);
    const float distance = source - lower;
    taps.push_back({{static_cast<std::int32_t>(first), static_cast<std::int32_t>(second)},
                    {1.0f - distance, 1.0f - std::abs(distance - 1.0f)}});
  }
  return taps;
}

void append_patch(VisionPositions& positions, std::int64_t row, std::int64_t column, const Taps& vertical,
                  const Taps& horizontal, std::int64_t side) {
  positions.coordinates.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)});
  std::array<std::int32_t, 4> index{};
  std::array<float, 4> weight{};
  for (std::size_t i = 0; i < 4; ++i) {
    index[i] = vertical.index[i / 2] * static_cast<std::int32_t>(side) + horizontal.index[i % 2];
    weight[i] = vertical.weight[i / 2] * horizontal.weight[i % 2];
  }
  positions.index.push_back(index);
  positions.weight.push_back(weight);
}

}  // namespace

VisionPositions vision_positions(const VisionConfig& config, const PictureBatch& pictures) {
  const auto side = static_cast<std::int64_t>(std::sqrt(static_cast<double>(config.num_position_embeddings)));
  const std::int64_t merge = config.spatial_merge_size;
  VisionPositions positions;
  positions.offsets.push_back(0);
  for (const auto& [frames, rows, columns] : pictures.grid_thw) {
    require(frames > 0 && rows > 0 && columns > 0 && rows % merge == 0 && columns % merge == 0,
            "image_grid_thw", "grid ({}, {}, {}) is not of positive multiples of the merge size {}", frames,
            rows, columns, merge);
    const std::vector<Taps> vertical = axis_taps(rows, side);
    const std::vector<Taps> horizontal = axis_taps(columns, side);
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      for (std::int64_t patch = 0; patch < rows * columns; ++patch) {
        const std::int64_t in_block = patch % (merge * merge);
        const std::int64_t block = patch / (merge * merge);
        const std::int64_t row = block / (columns / merge) * merge + in_block / merge;
        const std::int64_t column = block % (columns / merge) * merge + in_block % merge;
        append_patch(positions, row, column, vertical[static_cast<std::size_t>(row)],
                     horizontal[static_cast<std::size_t>(column)], side);
      }
      positions.offsets.push_back(static_cast<std::int32_t>(positions.coordinates.size()));
    }
  }
  const std::int64_t patches = pictures.pixel_values.dim(0);
  require(static_cast<std::int64_t>(positions.coordinates.size()) == patches, "image_grid_thw",
          "the grids hold {} patches, pixel_values has {}", positions.coordinates.size(), patches);
  return positions;
}

}  // namespace artemis

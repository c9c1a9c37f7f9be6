// Reading the golden files of the reference, and comparing with them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/io/safetensors.h"
#include "artemis/model/batch.h"

namespace artemis::golden {

inline std::filesystem::path model_root() { return std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "model"; }

inline const std::vector<std::string>& configurations() {
  static const std::vector<std::string> names = {"base", "odd", "window", "llama", "bos"};
  return names;
}

// The values of an f32 tensor.
inline std::vector<float> floats(const SafetensorsFile& file, const std::string& name) {
  const Tensor tensor = file.tensor(name);
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

inline std::vector<std::int32_t> ids(const SafetensorsFile& file, const std::string& name) {
  const Tensor tensor = file.tensor(name);
  const auto values = tensor.values<std::int64_t>();
  return {values.begin(), values.end()};
}

inline bool has(const SafetensorsFile& file, const std::string& name) {
  return std::ranges::find(file.names(), name) != file.names().end();
}

// The largest difference over the largest magnitude of the reference; infinite when the sizes differ or a
// value is not a number.
template <typename A, typename B>
double relative_difference(const A& values, const B& reference) {
  if (std::size(values) != std::size(reference)) return INFINITY;
  double difference = 0;
  double magnitude = 0;
  for (std::size_t i = 0; i < std::size(reference); ++i) {
    const double gap = std::abs(static_cast<double>(values[i]) - static_cast<double>(reference[i]));
    if (std::isnan(gap)) return INFINITY;
    difference = std::max(difference, gap);
    magnitude = std::max(magnitude, std::abs(static_cast<double>(reference[i])));
  }
  return magnitude > 0 ? difference / magnitude : difference;
}

// pixel_values and image_grid_thw of a case; empty when it has no pictures.
inline PictureBatch pictures(const SafetensorsFile& file) {
  PictureBatch batch;
  if (!has(file, "pixel_values")) return batch;
  batch.pixel_values = file.tensor("pixel_values");
  const std::vector<std::int32_t> grid = ids(file, "image_grid_thw");
  for (std::size_t i = 0; i < grid.size(); i += 3)
    batch.grid_thw.push_back({grid[i], grid[i + 1], grid[i + 2]});
  return batch;
}

}  // namespace artemis::golden

// Reading the golden files of the reference, and comparing with them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
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

// One conversation as a golden file holds it: its ids, pictures and supervised positions.
struct Case {
  TextBatch text;
  PictureBatch pictures;
  Supervision supervision;
};

inline Case read_case(const SafetensorsFile& file) {
  Case result;
  result.text.input_ids = ids(file, "input_ids");
  result.text.offsets = {0, static_cast<std::int32_t>(result.text.input_ids.size())};
  result.text.positions.resize(result.text.input_ids.size());
  std::iota(result.text.positions.begin(), result.text.positions.end(), 0);
  result.pictures = pictures(file);
  const std::vector<std::int32_t> labels = ids(file, "labels");
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i] == -100) continue;
    result.supervision.rows.push_back(static_cast<std::int32_t>(i - 1));
    result.supervision.labels.push_back(labels[i]);
  }
  return result;
}

}  // namespace artemis::golden

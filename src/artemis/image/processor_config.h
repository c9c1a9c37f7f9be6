// What is done to a picture before the vision tower, and where it is written down.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "artemis/io/json.h"

namespace artemis {

// The sizes that the model's vision_config fixes.
struct PatchSizes {
  std::int64_t patch = 16;    // pixels along a side of a patch
  std::int64_t temporal = 2;  // frames in a patch; one picture is repeated to fill them
  std::int64_t merge = 2;     // patches along a side of one image token

  friend bool operator==(const PatchSizes&, const PatchSizes&) = default;
};

// Defaults: the reference's, with OpenAI-CLIP's mean and deviation.
struct PreprocessorConfig {
  PatchSizes sizes;
  std::int64_t min_pixels = std::int64_t{32} * 32;
  std::int64_t max_pixels = std::int64_t{512} * 512;
  bool do_resize = true;
  bool do_rescale = true;
  bool do_normalize = true;
  double rescale_factor = 1.0 / 255;
  std::array<double, 3> mean = {0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> deviation = {0.26862954, 0.26130258, 0.27577711};

  // Sides of a resized picture are multiples of this.
  std::int64_t factor() const { return sizes.patch * sizes.merge; }
};

// Reads the keys of a preprocessor_config.json over the defaults. Throws Error naming `where` and the key for
// values that make no sense, that this room does not do (another filter), or patch sizes other than the
// model's.
PreprocessorConfig parse_preprocessor_config(const Json& json, const PatchSizes& model,
                                             std::string_view where);

// The same from `directory`/preprocessor_config.json, or the defaults when there is no such file.
PreprocessorConfig load_preprocessor_config(const std::filesystem::path& directory, const PatchSizes& model);

// f32 values of the 256 levels in each channel: level, minus mean, over deviation, in the order of operations
// (and so with the rounding) of the reference, which multiplies mean and deviation by 1 / rescale_factor
// instead of rescaling.
std::array<std::array<float, 256>, 3> normalisation_table(const PreprocessorConfig& config);

}  // namespace artemis

// From picture files to what the vision tower takes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "artemis/core/thread_pool.h"
#include "artemis/image/decode.h"
#include "artemis/image/processor_config.h"

namespace artemis {

// A picture file in memory.
struct EncodedImage {
  Bytes bytes;
  std::string name;  // for messages
};

struct PatchedImages {
  // f32 (patches, 3 * temporal * patch * patch), the pictures one after the other.
  Tensor pixel_values;
  // Of each picture: frames / temporal (always 1), patches along the height, patches along the width.
  std::vector<std::array<std::int64_t, 3>> grid_thw;
};

// Decodes and resizes each picture, rescales and normalises it and cuts it into patches. Throws the Error of
// the picture that could not be read.
PatchedImages preprocess(std::span<const EncodedImage> images, const PreprocessorConfig& config,
                         ThreadPool& pool, const DecodeOptions& options = {});

// The same from pixels u8 (height, width, 3); `names` (one each) are for messages.
PatchedImages preprocess_pixels(std::span<const Tensor> pictures, std::span<const std::string> names,
                                const PreprocessorConfig& config, ThreadPool& pool);

}  // namespace artemis

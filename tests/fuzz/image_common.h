// What the picture targets share: bytes of any kind behind a format's first bytes.
#pragma once

#include "artemis/core/error.h"
#include "artemis/image/decode.h"
#include "artemis/image/orientation.h"

namespace artemis {

// Decodes within a limit that keeps one input far under a second; only Error may come out. Files of another
// format than `format` are left to that format's target.
inline int fuzz_picture(const std::uint8_t* data, std::size_t size, ImageFormat format) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  exif_orientation(bytes);
  try {
    if (image_format(bytes, "fuzz") != format) return -1;
    const Image image = decode(bytes, "fuzz", {.max_pixels = 1 << 18, .apply_orientation = true});
    ARTEMIS_ASSERT(image.width() * image.height() <= 1 << 18);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

}  // namespace artemis

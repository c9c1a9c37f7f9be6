// Pictures from files: JPEG, PNG and WebP, as 8-bit RGB.
//
// The pixels are those that the reference sees: Pillow's decoding, then transformers' convert_to_rgb, which
// lays transparent pictures on white. 16-bit gray is clipped at 255 as Pillow does, other 16-bit samples keep
// their upper byte, CMYK is read as inverted (Adobe's way). Colour profiles and gamma are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/core/tensor.h"

namespace artemis {

using Bytes = std::span<const std::byte>;

// 67 million pixels: any photograph of today's cameras; 192 MiB once decoded.
inline constexpr std::int64_t default_max_pixels = std::int64_t{1} << 26;

struct DecodeOptions {
  // Pictures with more pixels are refused with PictureTooLarge before any of them is decoded.
  std::int64_t max_pixels = default_max_pixels;
  // Turns the picture upright by its EXIF orientation. Off, because the reference leaves pictures as stored.
  bool apply_orientation = false;
};

// A picture above DecodeOptions::max_pixels; a server answers it with 413.
class PictureTooLarge : public Error {
 public:
  using Error::Error;
};

enum class ImageFormat : std::uint8_t { jpeg, png, webp };

struct Image {
  Tensor pixels;  // u8 (height, width, 3), RGB
  ImageFormat format = ImageFormat::jpeg;
  std::string_view
      mode;  // of the file, in Pillow's words: "1", "L", "I;16", "LA", "P", "RGB", "RGBA", "CMYK"

  std::int64_t height() const { return pixels.dim(0); }
  std::int64_t width() const { return pixels.dim(1); }
};

// The format by the first bytes; throws Error for others, naming them where they are well known.
ImageFormat image_format(Bytes bytes, std::string_view where);

// Decodes one picture (the first frame of an animation). Throws Error, with `where` (a file name, say), for a
// file that is truncated, damaged or of another kind. Safe to call from several threads at once.
Image decode(Bytes bytes, std::string_view where, const DecodeOptions& options = {});

}  // namespace artemis

// The three codecs behind decode.h; used by this room alone.
#pragma once

#include "artemis/image/decode.h"

namespace artemis {

Image decode_jpeg(Bytes bytes, std::string_view where, const DecodeOptions& options);
Image decode_png(Bytes bytes, std::string_view where, const DecodeOptions& options);
Image decode_webp(Bytes bytes, std::string_view where, const DecodeOptions& options);

// Refuses empty pictures and those over the limit; called before memory for pixels is taken.
void check_picture_size(std::int64_t width, std::int64_t height, std::string_view where,
                        const DecodeOptions& options);

// (height, width, 3) of uninitialised u8.
Tensor allocate_pixels(std::int64_t width, std::int64_t height);

// A sample laid on white by its alpha, rounded to nearest.
inline std::uint8_t over_white(std::uint8_t sample, std::uint8_t alpha) {
  const unsigned sum = 255u * (255u - alpha) + unsigned{sample} * alpha + 128u;
  return static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
}

// `count` pixels of RGBA to RGB on white.
void rgba_over_white(const std::uint8_t* rgba, std::int64_t count, std::uint8_t* rgb);

inline const std::uint8_t* as_u8(Bytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

}  // namespace artemis

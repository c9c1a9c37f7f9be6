// Named pieces inside picture files, found without decoding; used by this room alone.
#pragma once

#include "artemis/image/decode.h"

namespace artemis {

// The data of the first PNG chunk of this name, only before the pixels when `before_pixels`; empty when there
// is none or the file ends within it.
Bytes png_chunk(Bytes file, std::string_view name, bool before_pixels);

// The data of the first chunk of this name in a WebP file; empty likewise.
Bytes webp_chunk(Bytes file, std::string_view name);

// The TIFF structure in a JPEG file's EXIF segment; empty likewise.
Bytes jpeg_exif(Bytes file);

// Unsigned integers at `offset`, which the caller has checked.
std::uint32_t read_u16(Bytes bytes, std::size_t offset, bool big_endian);
std::uint32_t read_u32(Bytes bytes, std::size_t offset, bool big_endian);

}  // namespace artemis

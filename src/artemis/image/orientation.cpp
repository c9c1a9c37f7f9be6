#include "artemis/image/orientation.h"

#include <cstring>

#include "artemis/image/chunks.h"
#include "artemis/image/codecs.h"

namespace artemis {
namespace {

using namespace std::string_view_literals;

Bytes find_exif(Bytes file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("\xff\xd8"sv)) return jpeg_exif(file);
  if (text.starts_with("\x89PNG"sv)) return png_chunk(file, "eXIf", false);
  if (!text.starts_with("RIFF"sv)) return {};
  const Bytes exif = webp_chunk(file, "EXIF");
  const std::string_view start(reinterpret_cast<const char*>(exif.data()), exif.size());
  return start.starts_with("Exif\0\0"sv) ? exif.subspan(6) : exif;
}

}  // namespace

int exif_orientation(Bytes bytes) {
  constexpr std::uint32_t orientation_tag = 0x0112;
  constexpr std::size_t entry_size = 12;
  const Bytes tiff = find_exif(bytes);
  if (tiff.size() < 8) return 1;
  const bool big_endian = tiff[0] == std::byte{'M'};
  const std::size_t directory = read_u32(tiff, 4, big_endian);
  if (directory > tiff.size() || tiff.size() - directory < 2) return 1;
  const std::size_t entries = read_u16(tiff, directory, big_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_size;
    if (entry + entry_size > tiff.size()) return 1;
    if (read_u16(tiff, entry, big_endian) != orientation_tag) continue;
    const std::uint32_t value = read_u16(tiff, entry + 8, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Tensor apply_orientation(const Tensor& pixels, int orientation) {
  ARTEMIS_ASSERT(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return pixels;
  const std::int64_t height = pixels.dim(0);
  const std::int64_t width = pixels.dim(1);
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Tensor out = transposed ? allocate_pixels(height, width) : allocate_pixels(width, height);
  const std::uint8_t* source = pixels.data<std::uint8_t>();
  std::uint8_t* target = out.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < out.dim(0); ++y)
    for (std::int64_t x = 0; x < out.dim(1); ++x, target += 3) {
      const std::int64_t column = transposed ? y : x;
      const std::int64_t row = transposed ? x : y;
      const std::int64_t from_x = from_right ? width - 1 - column : column;
      const std::int64_t from_y = from_bottom ? height - 1 - row : row;
      std::memcpy(target, source + (from_y * width + from_x) * 3, 3);
    }
  return out;
}

}  // namespace artemis

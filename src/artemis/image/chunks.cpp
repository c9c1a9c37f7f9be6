#include "artemis/image/chunks.h"

namespace artemis {
namespace {

std::string_view text_at(Bytes bytes, std::size_t offset, std::size_t size) {
  if (offset + size > bytes.size()) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
}

}  // namespace

std::uint32_t read_u16(Bytes bytes, std::size_t offset, bool big_endian) {
  const auto first = std::to_integer<std::uint32_t>(bytes[offset]);
  const auto second = std::to_integer<std::uint32_t>(bytes[offset + 1]);
  return big_endian ? first << 8 | second : second << 8 | first;
}

std::uint32_t read_u32(Bytes bytes, std::size_t offset, bool big_endian) {
  const std::uint32_t first = read_u16(bytes, offset, big_endian);
  const std::uint32_t second = read_u16(bytes, offset + 2, big_endian);
  return big_endian ? first << 16 | second : second << 16 | first;
}

Bytes png_chunk(Bytes file, std::string_view name, bool before_pixels) {
  // Length, name, data, checksum; the signature takes the first 8 bytes.
  for (std::size_t at = 8; at + 8 <= file.size();) {
    const std::size_t length = read_u32(file, at, true);
    const std::string_view found = text_at(file, at + 4, 4);
    if (length > file.size() - at - 8) return {};
    if (found == name) return file.subspan(at + 8, length);
    if (found == "IEND" || (before_pixels && found == "IDAT")) return {};
    at += 12 + length;
  }
  return {};
}

Bytes webp_chunk(Bytes file, std::string_view name) {
  // Name, length, data padded to an even size; the RIFF header takes the first 12 bytes.
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t length = read_u32(file, at + 4, false);
    if (length > file.size() - at - 8) return {};
    if (text_at(file, at, 4) == name) return file.subspan(at + 8, length);
    at += 8 + length + length % 2;
  }
  return {};
}

Bytes jpeg_exif(Bytes file) {
  using namespace std::string_view_literals;
  constexpr unsigned app1 = 0xE1;
  constexpr unsigned start_of_scan = 0xDA;
  // Marker, length that counts itself, data; the first marker follows the start of the image.
  for (std::size_t at = 2; at + 4 <= file.size();) {
    if (std::to_integer<unsigned>(file[at]) != 0xFF) return {};
    const auto marker = std::to_integer<unsigned>(file[at + 1]);
    if (marker == 0xFF) {  // a fill byte
      ++at;
      continue;
    }
    const std::size_t length = read_u16(file, at + 2, true);
    if (marker == start_of_scan || length < 2 || length > file.size() - at - 2) return {};
    if (marker == app1 && length >= 8 && text_at(file, at + 4, 6) == "Exif\0\0"sv)
      return file.subspan(at + 10, length - 8);
    at += 2 + length;
  }
  return {};
}

}  // namespace artemis

// Files and hostile bytes for the tests of this room.
#pragma once

#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/core/tensor.h"
#include "artemis/image/decode.h"

namespace artemis {

inline std::filesystem::path golden_root() { return std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "image"; }

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot open " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

inline std::uint32_t crc_of(const Tensor& tensor) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(tensor.raw()), static_cast<z_size_t>(tensor.bytes())));
}

inline std::string big_endian(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 255));
  return out;
}

inline std::string png_chunk_of(std::string_view name, std::string_view data) {
  const std::string body = std::string(name) + std::string(data);
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(static_cast<std::uint32_t>(sum));
}

inline std::string png_start(std::uint32_t width, std::uint32_t height, int depth = 8, int colour = 2,
                             int interlace = 0) {
  std::string header = big_endian(width) + big_endian(height);
  for (const int byte : {depth, colour, 0, 0, interlace}) header.push_back(static_cast<char>(byte));
  return "\x89PNG\r\n\x1a\n" + png_chunk_of("IHDR", header);
}

inline std::string deflate_of(const std::string& data) {
  std::string out(compressBound(data.size()), '\0');
  uLongf size = out.size();
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
            data.size(), 9);
  out.resize(size);
  return out;
}

}  // namespace artemis

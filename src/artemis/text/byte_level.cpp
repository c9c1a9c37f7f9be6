#include "artemis/text/byte_level.h"

#include <array>

#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr char32_t first_substitute = 0x100;
constexpr int bytes_without_print = 68;

bool prints(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Map {
  std::array<char32_t, 256> character{};
  std::array<int, first_substitute + bytes_without_print> byte{};

  Map() {
    byte.fill(-1);
    char32_t next = first_substitute;
    for (int i = 0; i < 256; ++i) {
      const char32_t c = prints(i) ? static_cast<char32_t>(i) : next++;
      character[static_cast<std::size_t>(i)] = c;
      byte[c] = i;
    }
  }
};

const Map& map() {
  static const Map instance;
  return instance;
}

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) append_code_point(text, map().character[static_cast<unsigned char>(c)]);
  return text;
}

bool append_from_byte_level(std::string& bytes, std::string_view text) {
  const std::size_t before = bytes.size();
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    const int byte = c < map().byte.size() ? map().byte[c] : -1;
    if (byte < 0) {
      bytes.resize(before);
      return false;
    }
    bytes += static_cast<char>(static_cast<unsigned char>(byte));
  }
  return true;
}

}  // namespace artemis

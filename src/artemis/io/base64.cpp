#include "artemis/io/base64.h"

#include <array>
#include <cstdint>

namespace artemis {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::vector<std::byte> decode_base64(std::string_view text, std::string_view where, std::size_t most_bytes,
                                     std::size_t first) {
  require(text.size() % 4 == 0, where, "base64 of {} characters, expected a multiple of 4, padded with '='",
          text.size());
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t count = text.size() / 4 * 3 - padding;
  if (count > most_bytes)
    throw TooLargeError(where, fmt::format("base64 of {} bytes, at most {} are taken", count, most_bytes));
  std::vector<std::byte> bytes;
  bytes.reserve(count);
  const std::size_t size = text.size() - padding;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto character = static_cast<unsigned char>(text[i]);
    const std::uint8_t digit = digits[character];
    require(digit != no_digit, where, "base64 has byte 0x{:02x} at {}, expected A-Z, a-z, 0-9, '+' or '/'",
            character, first + i);
    bits = bits << 6 | digit;
    // Behind the second, third and fourth digit of four a byte is complete.
    if (i % 4 != 0) bytes.push_back(static_cast<std::byte>(bits >> (6 - i % 4 * 2) & 0xFF));
  }
  const std::uint32_t spare = padding == 2 ? bits & 0xF : padding == 1 ? bits & 0x3 : 0;
  require(spare == 0, where, "base64 ends at {} in a digit whose spare bits are set", first + size - 1);
  return bytes;
}

}  // namespace artemis

#include "artemis/text/utf8.h"

#include <algorithm>

namespace artemis {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// What may follow a first byte: how many bytes, and the range of the second (Unicode standard, table 3-7).
struct Lead {
  int length = 0;  // 0: no character begins so
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead lead_of(unsigned char c) {
  if (c < 0x80) return {1};
  if (c < 0xC2 || c > 0xF4) return {};
  if (c < 0xE0) return {2};
  if (c == 0xE0) return {3, 0xA0, 0xBF};
  if (c == 0xED) return {3, 0x80, 0x9F};
  if (c < 0xF0) return {3};
  if (c == 0xF0) return {4, 0x90, 0xBF};
  if (c == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

// How many bytes from `at` belong to one character, whole or not; `whole` says which.
std::size_t character_length(std::string_view bytes, std::size_t at, bool& whole) {
  const Lead lead = lead_of(static_cast<unsigned char>(bytes[at]));
  whole = lead.length == 1;
  std::size_t length = 1;
  while (length < static_cast<std::size_t>(lead.length) && at + length < bytes.size()) {
    const auto c = static_cast<unsigned char>(bytes[at + length]);
    const bool fits = length == 1 ? c >= lead.low && c <= lead.high : (c & 0xC0) == 0x80;
    if (!fits) return length;
    ++length;
    whole = length == static_cast<std::size_t>(lead.length);
  }
  return length;
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto c = static_cast<unsigned char>(text[at++]);
  if (c < 0x80) return c;
  const int more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
  char32_t value = c & (0x3Fu >> more);
  for (int i = 0; i < more && at < text.size(); ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  }
  return value;
}

void append_code_point(std::string& text, char32_t c) {
  const auto byte = [&](char32_t value) { text += static_cast<char>(static_cast<unsigned char>(value)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  }
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (static_cast<unsigned char>(bytes[at]) < 0x80) {
      ++at;
      continue;
    }
    bool whole = false;
    at += character_length(bytes, at, whole);
    if (!whole) return false;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    bool whole = false;
    const std::size_t length = character_length(bytes, at, whole);
    text += whole ? bytes.substr(at, length) : replacement;
    at += length;
  }
  return text;
}

std::size_t incomplete_tail(std::string_view bytes) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const std::size_t at = bytes.size() - back;
    const Lead lead = lead_of(static_cast<unsigned char>(bytes[at]));
    if (lead.length < 2) continue;
    bool whole = false;
    const bool reaches_end = character_length(bytes, at, whole) == back;
    return reaches_end && !whole ? back : 0;
  }
  return 0;
}

}  // namespace artemis

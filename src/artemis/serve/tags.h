// Tags in text that comes piece by piece.
#pragma once

#include <algorithm>
#include <string_view>

namespace artemis {

inline constexpr std::string_view white_space = " \t\r\n";

// Without white space at both ends.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white_space);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) + 1 - begin);
}

// The bytes of `text` without white space at its end.
inline std::size_t length_without_space(std::string_view text) {
  return text.find_last_not_of(white_space) + 1;  // npos + 1 is 0
}

// The bytes of `text`, which holds no whole `tag`, that come before a tag whatever follows: all but the
// beginning of a tag at its end, and the white space before that.
inline std::size_t length_before_tag(std::string_view text, std::string_view tag) {
  for (std::size_t size = std::min(tag.size() - 1, text.size()); size > 0; --size) {
    if (text.ends_with(tag.substr(0, size))) {
      text.remove_suffix(size);
      break;
    }
  }
  return length_without_space(text);
}

}  // namespace artemis

// UTF-8: walking, encoding, and mending.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace artemis {

// The code point at `at` of valid UTF-8; moves `at` behind it.
char32_t next_code_point(std::string_view text, std::size_t& at);

bool is_utf8(std::string_view bytes);

void append_code_point(std::string& text, char32_t code_point);

// Bytes that are no UTF-8 become U+FFFD, one for each maximal part of a character (as Python's
// errors="replace" and Rust's from_utf8_lossy do).
std::string replace_invalid_utf8(std::string_view bytes);

// The length of the end of `bytes` that is the beginning of a character whose other bytes may still come.
std::size_t incomplete_tail(std::string_view bytes);

}  // namespace artemis

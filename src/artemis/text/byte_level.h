// The byte-to-character map of GPT-2 (encoder.py, bytes_to_unicode): bytes that print stand for themselves,
// the others for the characters from U+0100 on, so that every byte sequence is text.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

// The text in which each byte became its character.
std::string to_byte_level(std::string_view bytes);

// The reverse, appended to `bytes`; false (and nothing appended) when a character stands for no byte.
bool append_from_byte_level(std::string& bytes, std::string_view text);

}  // namespace artemis

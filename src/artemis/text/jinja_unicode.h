// Text in Unicode code points, with Python's character classes and case rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace artemis::jinja {

// Code point at a byte position of valid UTF-8, and the position after it; a
// broken byte counts as one.
char32_t next_code_point(std::string_view text, std::size_t& position);
void append_code_point(std::string& text, char32_t code);
std::u32string code_points(std::string_view text);
std::string utf8(std::u32string_view text);
std::int64_t count_code_points(std::string_view text);
// Byte position of a code point index that lies within the text or at its end.
std::size_t byte_of(std::string_view text, std::int64_t index);

bool is_space(char32_t code);
bool is_alpha(char32_t code);
bool is_decimal(char32_t code);
bool is_digit(char32_t code);
bool is_numeric(char32_t code);
bool is_upper(char32_t code);
bool is_lower(char32_t code);
bool is_title(char32_t code);
bool is_printable(char32_t code);
bool is_identifier_start(char32_t code);
bool is_identifier_part(char32_t code);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
std::string swap_case(std::string_view text);
std::string case_fold(std::string_view text);

// Without the code points of `characters` (all whitespace when null) at the
// left, the right, or both ends.
enum class Side : std::uint8_t { left, right, both };
std::string_view strip(std::string_view text, Side side, const std::string_view* characters = nullptr);

// Python's repr of a string: quoted, with escapes.
std::string repr(std::string_view text);
// Python's repr of a float: the shortest digits that read back.
std::string repr(double number);

}  // namespace artemis::jinja

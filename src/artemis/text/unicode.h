// Unicode as the reference sees it: classes of code points, and where our libraries' Unicode is another.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

// White_Space of the Unicode character database.
bool is_white_space(char32_t c);

// \w of Unicode regular expressions (UTS 18): alphabetic, mark, decimal number, connector punctuation, join
// control.
bool is_word_character(char32_t c);

// The small letter of a capital; every other code point is its own. U+0130, whose small letter is two code
// points, gives the first of them.
char32_t lower_case(char32_t c);

// `text` (valid UTF-8) itself, or, in `buffer`, a text with the same character boundaries in which each code
// point that PCRE2 would take for another category than the reference does is replaced by one of that
// category.
std::string_view with_stand_ins(std::string_view text, std::string& buffer);

// Whether the reference's normal forms leave this code point as it is, though utf8proc would not.
bool is_unnormalized(char32_t c);

}  // namespace artemis

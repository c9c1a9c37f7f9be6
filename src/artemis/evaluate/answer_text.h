// The handling of answers that the metrics share. Bytes that are no UTF-8 count as U+FFFD.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace artemis {

std::u32string code_points(std::string_view text);
std::string small_letters(std::string_view text);
// The words between white space.
std::vector<std::string> words_of(std::string_view text);
std::string joined(const std::vector<std::string>& words);
// Without white space at both ends.
std::string stripped(std::string_view text);
// Stripped, and with one space between words.
std::string single_spaced(std::string_view text);

}  // namespace artemis

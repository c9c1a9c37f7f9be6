#include "artemis/evaluate/answer_text.h"

#include "artemis/text/unicode.h"
#include "artemis/text/utf8.h"

namespace artemis {

std::u32string code_points(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  std::u32string points;
  for (std::size_t at = 0; at < valid.size();) points += next_code_point(valid, at);
  return points;
}

std::string small_letters(std::string_view text) {
  std::string small;
  for (const char32_t c : code_points(text)) append_code_point(small, lower_case(c));
  return small;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char32_t c : code_points(text)) {
    const bool space = is_white_space(c);
    if (!space && !inside) words.emplace_back();
    if (!space) append_code_point(words.back(), c);
    inside = !space;
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string stripped(std::string_view text) {
  const std::u32string points = code_points(text);
  std::size_t begin = 0;
  std::size_t end = points.size();
  while (begin < end && is_white_space(points[begin])) ++begin;
  while (end > begin && is_white_space(points[end - 1])) --end;
  std::string inner;
  for (; begin < end; ++begin) append_code_point(inner, points[begin]);
  return inner;
}

std::string single_spaced(std::string_view text) { return joined(words_of(text)); }

}  // namespace artemis

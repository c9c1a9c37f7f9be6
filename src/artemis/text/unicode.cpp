#include "artemis/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <bitset>
#include <span>

#include "artemis/text/unicode_tables.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::size_t pages = 0x1100;  // of 256 code points

// The pages that a table has ranges in: nearly all text is in none.
template <typename Range>
std::bitset<pages> pages_of(std::span<const Range> ranges) {
  std::bitset<pages> found;
  for (const Range& range : ranges) {
    for (char32_t page = range.first >> 8; page <= range.last >> 8; ++page) found.set(page);
  }
  return found;
}

// The range that holds c, or null.
template <typename Range>
const Range* find_range(std::span<const Range> ranges, char32_t c) {
  const auto found = std::ranges::lower_bound(ranges, c, {}, &Range::last);
  return found != ranges.end() && found->first <= c ? &*found : nullptr;
}

const StandIns* find_stand_in(char32_t c) {
  static const std::bitset<pages> used = pages_of(std::span<const StandIns>(stand_in_ranges));
  return used[c >> 8] ? find_range(std::span<const StandIns>(stand_in_ranges), c) : nullptr;
}

}  // namespace

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_word_character(char32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  const StandIns* known = find_stand_in(c);
  if (known != nullptr) c = known->stand_in;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:  // circled and squared letters are alphabetic
      return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
             (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
  }
}

char32_t lower_case(char32_t c) {
  static const std::bitset<pages> used = pages_of(std::span<const LowerCase>(lower_case_ranges));
  const LowerCase* range =
      used[c >> 8] ? find_range(std::span<const LowerCase>(lower_case_ranges), c) : nullptr;
  if (range != nullptr) return static_cast<char32_t>(static_cast<std::int32_t>(c) + range->offset);
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

std::string_view with_stand_ins(std::string_view text, std::string& buffer) {
  bool copied = false;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) {  // all that differ have three bytes or more
      ++at;
      continue;
    }
    const std::size_t begin = at;
    const StandIns* found = find_stand_in(next_code_point(text, at));
    if (found == nullptr) continue;
    if (!copied) buffer = text;
    copied = true;
    std::string character;
    append_code_point(character, found->stand_in);
    buffer.replace(begin, at - begin, character);
  }
  return copied ? std::string_view(buffer) : text;
}

bool is_unnormalized(char32_t c) {
  static const std::bitset<pages> used = pages_of(std::span<const CodePointRange>(unnormalized_ranges));
  return used[c >> 8] && find_range(std::span<const CodePointRange>(unnormalized_ranges), c) != nullptr;
}

}  // namespace artemis

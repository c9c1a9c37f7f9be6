#include "artemis/text/jinja_unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "artemis/text/jinja_unicode_tables.h"

namespace artemis::jinja {
namespace {

constexpr char32_t capital_sigma = 0x3A3;
constexpr char32_t final_sigma = 0x3C2;
constexpr char32_t dotted_capital_i = 0x130;

utf8proc_category_t category(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

template <typename Table>
bool in_table(const Table& table, char32_t code) {
  const auto after =
      std::upper_bound(table.begin(), table.end(), code,
                       [](char32_t value, const CodeRange& range) { return value < range.first; });
  return after != table.begin() && code <= std::prev(after)->last;
}

const SpecialCase* special_case(char32_t code) {
  const auto found =
      std::lower_bound(special_cases.begin(), special_cases.end(), code,
                       [](const SpecialCase& entry, char32_t value) { return entry.code < value; });
  return found != special_cases.end() && found->code == code ? &*found : nullptr;
}

void append_all(std::string& text, const std::array<char32_t, 3>& codes) {
  for (const char32_t code : codes) {
    if (code != 0) append_code_point(text, code);
  }
}

void append_upper(std::string& text, char32_t code) {
  if (const SpecialCase* special = special_case(code)) return append_all(text, special->upper);
  append_code_point(text, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code))));
}

void append_title(std::string& text, char32_t code) {
  if (const SpecialCase* special = special_case(code)) return append_all(text, special->title);
  append_code_point(text, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code))));
}

bool is_cased(char32_t code) { return is_upper(code) || is_lower(code) || is_title(code); }

bool is_case_ignorable(char32_t code) {
  constexpr std::u32string_view marks =
      U"'.:"
      U"\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55"
      U"\uFF07\uFF0E\uFF1A";
  if (marks.find(code) != std::u32string_view::npos) return true;
  const utf8proc_category_t kind = category(code);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME || kind == UTF8PROC_CATEGORY_CF ||
         kind == UTF8PROC_CATEGORY_LM || kind == UTF8PROC_CATEGORY_SK;
}

// A capital sigma at the end of a word becomes the final form.
bool ends_word(const std::u32string& text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::string& text, const std::u32string& codes, std::size_t at) {
  const char32_t code = codes[at];
  if (code == capital_sigma && ends_word(codes, at)) return append_code_point(text, final_sigma);
  if (code == dotted_capital_i) {
    text += "i\u0307";
    return;
  }
  append_code_point(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& position) {
  const auto first = static_cast<unsigned char>(text[position]);
  if (first < 0x80) {
    ++position;
    return first;
  }
  utf8proc_int32_t code = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + position;
  const utf8proc_ssize_t length =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - position), &code);
  position += length > 0 ? static_cast<std::size_t>(length) : 1;
  return length > 0 ? static_cast<char32_t>(code) : 0xFFFD;
}

void append_code_point(std::string& text, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

std::u32string code_points(std::string_view text) {
  std::u32string codes;
  codes.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) codes += next_code_point(text, position);
  return codes;
}

std::string utf8(std::u32string_view codes) {
  std::string text;
  text.reserve(codes.size());
  for (const char32_t code : codes) append_code_point(text, code);
  return text;
}

std::int64_t count_code_points(std::string_view text) {
  if (is_ascii(text)) return static_cast<std::int64_t>(text.size());
  std::int64_t count = 0;
  for (std::size_t position = 0; position < text.size(); ++count) next_code_point(text, position);
  return count;
}

std::size_t byte_of(std::string_view text, std::int64_t index) {
  std::size_t position = 0;
  for (; index > 0 && position < text.size(); --index) next_code_point(text, position);
  return position;
}

bool is_space(char32_t code) {
  if (code < 0x80) return (code >= 9 && code <= 13) || (code >= 28 && code <= 32);
  return code == 0x85 || category(code) == UTF8PROC_CATEGORY_ZS || code == 0x2028 || code == 0x2029;
}

bool is_alpha(char32_t code) {
  const utf8proc_category_t kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t code) { return is_decimal(code) || in_table(other_digits, code); }

bool is_numeric(char32_t code) {
  const utf8proc_category_t kind = category(code);
  return (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO) ||
         in_table(ideographic_numbers, code);
}

bool is_upper(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU || in_table(other_uppercase, code);
}

bool is_lower(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LL || in_table(other_lowercase, code);
}

bool is_title(char32_t code) { return category(code) == UTF8PROC_CATEGORY_LT; }

bool is_printable(char32_t code) {
  if (code == ' ') return true;
  const utf8proc_category_t kind = category(code);
  return kind != UTF8PROC_CATEGORY_CN && kind < UTF8PROC_CATEGORY_ZS;
}

bool is_identifier_start(char32_t code) {
  return code == '_' || is_alpha(code) || category(code) == UTF8PROC_CATEGORY_NL;
}

bool is_identifier_part(char32_t code) {
  const utf8proc_category_t kind = category(code);
  return is_identifier_start(code) || kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_MN ||
         kind == UTF8PROC_CATEGORY_MC || kind == UTF8PROC_CATEGORY_PC;
}

std::string upper(std::string_view text) {
  std::string result;
  for (std::size_t position = 0; position < text.size();)
    append_upper(result, next_code_point(text, position));
  return result;
}

std::string lower(std::string_view text) {
  std::string result;
  const std::u32string codes = code_points(text);
  for (std::size_t i = 0; i < codes.size(); ++i) append_lower(result, codes, i);
  return result;
}

std::string capitalize(std::string_view text) {
  std::string result;
  const std::u32string codes = code_points(text);
  if (!codes.empty()) append_title(result, codes[0]);
  for (std::size_t i = 1; i < codes.size(); ++i) append_lower(result, codes, i);
  return result;
}

std::string title(std::string_view text) {
  std::string result;
  const std::u32string codes = code_points(text);
  bool in_word = false;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (in_word)
      append_lower(result, codes, i);
    else
      append_title(result, codes[i]);
    in_word = is_cased(codes[i]);
  }
  return result;
}

std::string swap_case(std::string_view text) {
  std::string result;
  const std::u32string codes = code_points(text);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (is_upper(codes[i]))
      append_lower(result, codes, i);
    else if (is_lower(codes[i]))
      append_upper(result, codes[i]);
    else
      append_code_point(result, codes[i]);
  }
  return result;
}

std::string case_fold(std::string_view text) {
  utf8proc_uint8_t* folded = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_CASEFOLD);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &folded, options);
  const std::string result =
      size < 0 ? std::string(text)
               : std::string(reinterpret_cast<char*>(folded), static_cast<std::size_t>(size));
  std::free(folded);
  return result;
}

std::string_view strip(std::string_view text, Side side, const std::string_view* characters) {
  const std::u32string set = characters != nullptr ? code_points(*characters) : std::u32string();
  const auto stripped = [&](char32_t code) {
    return characters != nullptr ? set.find(code) != std::u32string::npos : is_space(code);
  };
  std::size_t begin = 0;
  while (side != Side::right && begin < text.size()) {
    std::size_t next = begin;
    if (!stripped(next_code_point(text, next))) break;
    begin = next;
  }
  std::size_t end = text.size();
  while (side != Side::left && end > begin) {
    std::size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    std::size_t next = start;
    if (!stripped(next_code_point(text, next))) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

std::string repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t position = 0; position < text.size();) {
    const char32_t code = next_code_point(text, position);
    if (code == static_cast<char32_t>(quote) || code == '\\')
      result += {'\\', static_cast<char>(code)};
    else if (code == '\n')
      result += "\\n";
    else if (code == '\r')
      result += "\\r";
    else if (code == '\t')
      result += "\\t";
    else if (is_printable(code))
      append_code_point(result, code);
    else
      result += code < 0x100     ? fmt::format("\\x{:02x}", static_cast<std::uint32_t>(code))
                : code < 0x10000 ? fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code))
                                 : fmt::format("\\U{:08x}", static_cast<std::uint32_t>(code));
  }
  return result + quote;
}

std::string repr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  const double size = std::fabs(number);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  char buffer[64];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, format).ptr;
  std::string text(buffer, end);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace artemis::jinja

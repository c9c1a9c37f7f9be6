// Methods of strings that give another string or a class of characters.
#include <algorithm>

#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value result(Interpreter& in, const Value& self, std::string text) {
  return in.heap().text(std::move(text), self.is_markup());
}

template <std::string (*Change)(std::string_view)>
Value changed(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("case", arguments, {});
  in.heap().step_bytes(4 * self.string().size());
  in.heap().reserve(8 * self.string().size());
  return result(in, self, Change(self.string()));
}

template <Side Ends>
Value stripped(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("strip", arguments, {"chars"});
  const std::string characters = p.string(0);
  const std::string_view view = characters;
  const bool given = p.has(0) && !p[0].is_none();
  in.heap().step_bytes(self.string().size());
  if (given) in.heap().step(static_cast<std::int64_t>(characters.size()) / 8);
  return result(in, self, std::string(strip(self.string(), Ends, given ? &view : nullptr)));
}

// Whether all characters are of a class, and there is one.
template <bool (*Class)(char32_t)>
Value all_are(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("is", arguments, {});
  in.heap().step_bytes(self.string().size());
  const std::u32string codes = code_points(self.string());
  return !codes.empty() && std::all_of(codes.begin(), codes.end(), Class);
}

bool is_alphanumeric(char32_t code) {
  return is_alpha(code) || is_decimal(code) || is_digit(code) || is_numeric(code);
}

Value is_ascii(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("isascii", arguments, {});
  return std::all_of(self.string().begin(), self.string().end(), [](char c) { return (c & 0x80) == 0; });
}

Value is_printable_text(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("isprintable", arguments, {});
  const std::u32string codes = code_points(self.string());
  return std::all_of(codes.begin(), codes.end(), is_printable);
}

Value is_identifier(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("isidentifier", arguments, {});
  const std::u32string codes = code_points(self.string());
  return !codes.empty() && is_identifier_start(codes[0]) &&
         std::all_of(codes.begin(), codes.end(), is_identifier_part);
}

// Whether there are cased characters and all of them are of one case.
template <bool (*Wanted)(char32_t), bool (*Other)(char32_t)>
Value is_case(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("iscase", arguments, {});
  bool found = false;
  for (const char32_t code : code_points(self.string())) {
    if (Other(code) || is_title(code)) return false;
    found = found || Wanted(code);
  }
  return found;
}

Value is_title_text(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("istitle", arguments, {});
  bool found = false;
  bool in_word = false;
  for (const char32_t code : code_points(self.string())) {
    const bool begins = is_upper(code) || is_title(code);
    if (begins ? in_word : is_lower(code) && !in_word) return false;
    in_word = begins || is_lower(code);
    found = found || in_word;
  }
  return found;
}

std::string fill_of(const Parameters& p) {
  const std::string fill = p.string(1, " ");
  if (count_code_points(fill) != 1) fault("the fill character must be exactly one character long");
  return fill;
}

std::string times(Heap& heap, const std::string& text, std::int64_t count) {
  std::string out;
  if (count <= 0) return out;
  if (count > (std::int64_t{1} << 40)) fault("the template needs too much memory");
  heap.reserve(text.size() * static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out += text;
  return out;
}

// Python puts the odd blank of `center` at the left only when the width is odd.
template <Side Text>
Value justified(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("just", arguments, {"width", "fillchar"}, 1);
  const std::string fill = fill_of(p);
  const std::int64_t width = p.integer(0);
  const std::int64_t missing = width > length(self) ? width - length(self) : 0;
  const std::int64_t left = Text == Side::left    ? 0
                            : Text == Side::right ? missing
                                                  : missing / 2 + (missing & width & 1);
  return result(in, self,
                times(in.heap(), fill, left) + self.string() + times(in.heap(), fill, missing - left));
}

Value zfill(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("zfill", arguments, {"width"}, 1);
  const std::string& text = self.string();
  const std::int64_t width = p.integer(0);
  const std::string zeros = times(in.heap(), "0", width > length(self) ? width - length(self) : 0);
  const std::size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  return result(in, self, text.substr(0, sign) + zeros + text.substr(sign));
}

Value remove_prefix(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("removeprefix", arguments, {"prefix"}, 1);
  const std::string prefix = p.string(0);
  return result(in, self, self.string().substr(self.string().starts_with(prefix) ? prefix.size() : 0));
}

Value remove_suffix(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("removesuffix", arguments, {"suffix"}, 1);
  const std::string suffix = p.string(0);
  const std::size_t cut = self.string().ends_with(suffix) ? suffix.size() : 0;
  return result(in, self, self.string().substr(0, self.string().size() - cut));
}

Value expand_tabs(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("expandtabs", arguments, {"tabsize"});
  const std::int64_t size = p.integer(0, 8);
  std::string text;
  std::int64_t column = 0;
  for (std::size_t i = 0; i < self.string().size();) {
    const std::size_t begin = i;
    const char32_t code = next_code_point(self.string(), i);
    if (code == '\t') {
      const std::int64_t blanks = size > 0 ? size - column % size : 0;
      text += times(in.heap(), " ", blanks);
      in.heap().reserve(text.size());
      column += blanks;
      continue;
    }
    text += self.string().substr(begin, i - begin);
    column = code == '\n' || code == '\r' ? 0 : column + 1;
  }
  return result(in, self, std::move(text));
}

}  // namespace

const std::vector<NamedMethod>& string_methods() {
  static const std::vector<NamedMethod> methods{
      {"strip", stripped<Side::both>},
      {"lstrip", stripped<Side::left>},
      {"rstrip", stripped<Side::right>},
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"casefold", changed<case_fold>},
      {"capitalize", changed<capitalize>},
      {"title", changed<title>},
      {"swapcase", changed<swap_case>},
      {"isalpha", all_are<is_alpha>},
      {"isdecimal", all_are<is_decimal>},
      {"isdigit", all_are<is_digit>},
      {"isnumeric", all_are<is_numeric>},
      {"isalnum", all_are<is_alphanumeric>},
      {"isspace", all_are<is_space>},
      {"isascii", is_ascii},
      {"isprintable", is_printable_text},
      {"isidentifier", is_identifier},
      {"isupper", is_case<is_upper, is_lower>},
      {"islower", is_case<is_lower, is_upper>},
      {"istitle", is_title_text},
      {"ljust", justified<Side::left>},
      {"rjust", justified<Side::right>},
      {"center", justified<Side::both>},
      {"zfill", zfill},
      {"removeprefix", remove_prefix},
      {"removesuffix", remove_suffix},
      {"expandtabs", expand_tabs},
      {"format", format_method},
      {"format_map", format_map_method},
  };
  return methods;
}

}  // namespace artemis::jinja

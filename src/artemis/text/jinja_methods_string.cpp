// Methods of strings.
#include <algorithm>
#include <array>
#include <utility>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_format.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// A result is safe markup when the string was.
Value same(Heap& heap, const Value& self, std::string text) {
  return Value::string(heap, std::move(text), self.is_markup());
}

Value pieces(Heap& heap, const Value& self, const std::vector<std::string_view>& parts,
             Kind kind = Kind::list) {
  std::vector<Value> items;
  heap.reserve(parts.size() * (sizeof(Value) + sizeof(StringObject)));
  for (const std::string_view part : parts) items.push_back(same(heap, self, std::string(part)));
  return kind == Kind::list ? Value::list(heap, std::move(items)) : Value::tuple(heap, std::move(items));
}

// Text that joins safe markup becomes safe first.
std::string matching(const Value& self, const std::string& text, const Value& value) {
  return self.is_markup() && !value.is_markup() ? escape(text) : text;
}

template <std::string (*convert)(std::string_view)>
Value converted(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "a method of a string", arguments, {});
  heap.reserve(8 * self.text().size());
  return same(heap, self, convert(self.text()));
}

// Whether there is a character and all of them are of a class.
template <bool (*is_of)(char32_t)>
Value all_are(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "a method of a string", arguments, {});
  heap.step_text(self.text().size());
  for (std::size_t position = 0; position < self.text().size();) {
    if (!is_of(next_code_point(self.text(), position))) return Value::boolean(false);
  }
  return Value::boolean(!self.text().empty());
}

bool is_alphanumeric(char32_t code) { return is_alpha(code) || is_numeric(code); }

// Whether the cased characters, of which there is one, are all of one case.
template <bool (*is_case)(char32_t), bool (*is_other)(char32_t)>
Value has_case(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "a method of a string", arguments, {});
  heap.step_text(self.text().size());
  bool found = false;
  for (std::size_t position = 0; position < self.text().size();) {
    const char32_t code = next_code_point(self.text(), position);
    if (is_other(code) || is_title(code)) return Value::boolean(false);
    found = found || is_case(code);
  }
  return Value::boolean(found);
}

Value is_ascii(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "isascii()", arguments, {});
  const std::string& text = self.text();
  return Value::boolean(std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }));
}

Value is_printable_text(Heap& heap, const Value& self, const Arguments& arguments) {
  return Value::boolean(self.text().empty() || all_are<is_printable>(heap, self, arguments).as_boolean());
}

Value is_title_text(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "istitle()", arguments, {});
  bool found = false;
  bool in_word = false;
  for (std::size_t position = 0; position < self.text().size();) {
    const char32_t code = next_code_point(self.text(), position);
    const bool starts = is_upper(code) || is_title(code);
    if (starts ? in_word : is_lower(code) && !in_word) return Value::boolean(false);
    in_word = starts || is_lower(code);
    found = found || in_word;
  }
  return Value::boolean(found);
}

Value is_identifier(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "isidentifier()", arguments, {});
  const std::u32string codes = code_points(self.text());
  return Value::boolean(!codes.empty() && is_identifier_start(codes[0]) &&
                        std::all_of(codes.begin(), codes.end(), is_identifier_part));
}

template <Side side>
Value stripped(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "strip()", arguments, {"chars"});
  if (!bound.has(0) || bound[0].is(Kind::none))
    return same(heap, self, std::string(strip(self.text(), side)));
  const std::string characters = bound.text(0, {});
  const std::string_view view = characters;
  heap.step(1 + static_cast<std::int64_t>(characters.size() * self.text().size() / 256));
  return same(heap, self, std::string(strip(self.text(), side, &view)));
}

std::vector<std::string_view> rsplit_text(std::string_view text, const std::string* separator,
                                          std::int64_t most) {
  std::vector<std::string_view> parts;
  std::string_view rest = separator != nullptr ? text : strip(text, Side::right);
  while (most-- != 0) {
    std::size_t end = 0;  // of the part before the separator
    std::size_t begin = 0;
    if (separator != nullptr) {
      end = rest.rfind(*separator);
      if (end == std::string_view::npos) break;
      begin = end + separator->size();
    } else {
      const std::vector<std::string_view> words = split_text(rest, nullptr, -1);
      if (words.size() < 2) break;
      begin = static_cast<std::size_t>(words.back().data() - rest.data());
      end = strip(rest.substr(0, begin), Side::right).size();
    }
    parts.push_back(rest.substr(begin));
    rest = rest.substr(0, end);
  }
  if (separator != nullptr || !strip(rest, Side::both).empty()) parts.push_back(rest);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

template <bool from_right>
Value split(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "split()", arguments, {"sep", "maxsplit"});
  heap.step_text(self.text().size());
  heap.reserve(self.text().size() * sizeof(std::string_view));
  const std::int64_t most = bound.integer(1, -1);
  const bool blanks = !bound.has(0) || bound[0].is(Kind::none);
  const std::string separator = blanks ? "" : bound.text(0, {});
  if (!blanks && separator.empty()) raise("split() needs a separator that is not empty");
  const std::string* at = blanks ? nullptr : &separator;
  const bool backwards = from_right && most >= 0;
  if (backwards && blanks) heap.step(most * static_cast<std::int64_t>(self.text().size() / 64));
  return pieces(heap, self,
                backwards ? rsplit_text(self.text(), at, most) : split_text(self.text(), at, most));
}

Value splitlines(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "splitlines()", arguments, {"keepends"});
  heap.step_text(self.text().size());
  heap.reserve(self.text().size() * sizeof(std::string_view));
  return pieces(heap, self, split_lines(self.text(), bound.truth(0, false)));
}

template <bool from_right>
Value partition(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "partition()", arguments, {"sep"}, 1);
  const std::string separator = bound.text(0, {});
  if (separator.empty()) raise("partition() needs a separator that is not empty");
  const std::string_view text = self.text();
  const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
  if (at != std::string_view::npos) {
    return pieces(heap, self, {text.substr(0, at), separator, text.substr(at + separator.size())},
                  Kind::tuple);
  }
  const std::string_view nothing;
  return from_right ? pieces(heap, self, {nothing, nothing, text}, Kind::tuple)
                    : pieces(heap, self, {text, nothing, nothing}, Kind::tuple);
}

// The part of a string between code point bounds, and the index where it begins; nothing when they are
// reversed.
struct Part {
  std::string_view text;
  std::int64_t begin;
};

std::optional<Part> part_of(const Value& self, const Bound& bound) {
  const std::string_view text = self.text();
  const std::int64_t size = count_code_points(text);
  const auto clip = [&](std::size_t index, std::int64_t fallback) {
    const std::int64_t at = bound.integer_or_none(index).value_or(fallback);
    return at < 0 ? std::max<std::int64_t>(at + size, 0) : at;
  };
  const std::int64_t begin = clip(1, 0);
  const std::int64_t end = std::min(clip(2, size), size);
  if (begin > end) return std::nullopt;
  const std::size_t first = byte_of(text, begin);
  return Part{text.substr(first, byte_of(text, end) - first), begin};
}

template <bool from_right>
std::optional<std::int64_t> position(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "find()", arguments, {"sub", "start", "end"}, 1);
  heap.step_text(self.text().size());
  const std::string sub = bound.text(0, {});
  const std::optional<Part> part = part_of(self, bound);
  if (!part) return std::nullopt;
  const std::size_t at = from_right ? part->text.rfind(sub) : part->text.find(sub);
  if (at == std::string_view::npos) return std::nullopt;
  return part->begin + count_code_points(part->text.substr(0, at));
}

template <bool from_right>
Value find(Heap& heap, const Value& self, const Arguments& arguments) {
  return Value::integer(position<from_right>(heap, self, arguments).value_or(-1));
}

template <bool from_right>
Value index(Heap& heap, const Value& self, const Arguments& arguments) {
  const std::optional<std::int64_t> at = position<from_right>(heap, self, arguments);
  if (!at) raise("substring not found");
  return Value::integer(*at);
}

Value count(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "count()", arguments, {"sub", "start", "end"}, 1);
  heap.step_text(self.text().size());
  const std::string sub = bound.text(0, {});
  const std::optional<Part> part = part_of(self, bound);
  if (!part) return Value::integer(0);
  if (sub.empty()) return Value::integer(count_code_points(part->text) + 1);
  std::int64_t found = 0;
  for (std::size_t at = part->text.find(sub); at != std::string_view::npos;
       at = part->text.find(sub, at + sub.size())) {
    ++found;
  }
  return Value::integer(found);
}

template <bool at_end>
Value has_affix(Heap& heap, const Value& self, const Arguments& arguments) {
  const std::string_view what = at_end ? "endswith()" : "startswith()";
  const Bound bound(heap, what, arguments, {"affix", "start", "end"}, 1);
  heap.step_text(self.text().size());
  require_defined(bound[0]);
  const bool several = bound[0].is(Kind::tuple);
  if (!several && !bound[0].is(Kind::string)) raise("{} needs a string or a tuple of strings", what);
  const std::vector<Value> affixes = several ? bound[0].items() : std::vector<Value>{bound[0]};
  const std::optional<Part> part = part_of(self, bound);
  for (const Value& affix : affixes) {
    if (!affix.is(Kind::string)) raise("{} needs a string or a tuple of strings", what);
    if (part && (at_end ? part->text.ends_with(affix.text()) : part->text.starts_with(affix.text()))) {
      return Value::boolean(true);
    }
  }
  return Value::boolean(false);
}

template <bool at_end>
Value remove_affix(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "removeprefix()", arguments, {"affix"}, 1);
  const std::string affix = bound.text(0, {});
  std::string_view text = self.text();
  if (at_end && text.ends_with(affix)) text.remove_suffix(affix.size());
  if (!at_end && text.starts_with(affix)) text.remove_prefix(affix.size());
  return same(heap, self, std::string(text));
}

Value replace(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "replace()", arguments, {"old", "new", "count"}, 2);
  const std::string to = matching(self, bound.text(1, {}), bound[1]);
  return same(heap, self, replace_text(heap, self.text(), bound.text(0, {}), to, bound.integer(2, -1)));
}

Value join(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "join()", arguments, {"iterable"}, 1);
  const Ref<IteratorObject> items = iterate(heap, bound[0]);
  std::string text;
  for (std::int64_t i = 0; const std::optional<Value> item = items->next(); ++i) {
    if (!item->is(Kind::string) && !self.is_markup()) {
      raise("join() needs strings, but item {} is '{}'", i, type_name(*item));
    }
    if (i > 0) text += self.text();
    text += matching(self, to_text(heap, *item), *item);
    heap.reserve(text.size());
  }
  return same(heap, self, std::move(text));
}

Value format(Heap& heap, const Value& self, const Arguments& arguments) {
  return format_braces(heap, self, arguments);
}

Value format_map(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "format_map()", arguments, {"mapping"}, 1);
  if (!bound[0].is(Kind::dict)) raise("format_map() needs a mapping");
  Arguments given;
  for (const auto& [key, value] : bound[0].dict().entries) {
    if (key.is(Kind::string)) given.named.emplace_back(key.text(), value);
  }
  return format_braces(heap, self, given);
}

std::string filled(Heap& heap, std::string_view fill, std::int64_t count) {
  std::string text;
  if (count > 0) heap.reserve(fill.size() * static_cast<std::size_t>(std::min<std::int64_t>(count, 1 << 30)));
  for (std::int64_t i = 0; i < count; ++i) text += fill;
  return text;
}

std::string fill_of(const Bound& bound) {
  const std::string fill = bound.text(1, " ");
  if (count_code_points(fill) != 1) raise("the fill must be one character");
  return fill;
}

template <Side side>
Value justified(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "a method of a string", arguments, {"width", "fillchar"}, 1);
  const std::string fill = fill_of(bound);
  const std::int64_t width = bound.integer(0, 0);
  if (side == Side::both) return same(heap, self, center_text(heap, self.text(), width, fill));
  const std::string blanks = filled(heap, fill, width - count_code_points(self.text()));
  return same(heap, self, side == Side::left ? self.text() + blanks : blanks + self.text());
}

Value zfill(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "zfill()", arguments, {"width"}, 1);
  const std::string& text = self.text();
  const std::string zeros = filled(heap, "0", bound.integer(0, 0) - count_code_points(text));
  const std::size_t sign = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  return same(heap, self, text.substr(0, sign) + zeros + text.substr(sign));
}

}  // namespace

Method find_string_method(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Method>, 42> methods{{
      {"capitalize", converted<capitalize>},
      {"center", justified<Side::both>},
      {"count", count},
      {"endswith", has_affix<true>},
      {"find", find<false>},
      {"format", format},
      {"format_map", format_map},
      {"index", index<false>},
      {"isalnum", all_are<is_alphanumeric>},
      {"isalpha", all_are<is_alpha>},
      {"isascii", is_ascii},
      {"isdecimal", all_are<is_decimal>},
      {"isdigit", all_are<is_digit>},
      {"isidentifier", is_identifier},
      {"islower", has_case<is_lower, is_upper>},
      {"isnumeric", all_are<is_numeric>},
      {"isprintable", is_printable_text},
      {"isspace", all_are<is_space>},
      {"istitle", is_title_text},
      {"isupper", has_case<is_upper, is_lower>},
      {"join", join},
      {"ljust", justified<Side::left>},
      {"lower", converted<lower>},
      {"lstrip", stripped<Side::left>},
      {"partition", partition<false>},
      {"removeprefix", remove_affix<false>},
      {"removesuffix", remove_affix<true>},
      {"replace", replace},
      {"rfind", find<true>},
      {"rindex", index<true>},
      {"rjust", justified<Side::right>},
      {"rpartition", partition<true>},
      {"rsplit", split<true>},
      {"rstrip", stripped<Side::right>},
      {"split", split<false>},
      {"splitlines", splitlines},
      {"startswith", has_affix<false>},
      {"strip", stripped<Side::both>},
      {"swapcase", converted<swap_case>},
      {"title", converted<title>},
      {"upper", converted<upper>},
      {"zfill", zfill},
  }};
  const auto found =
      std::lower_bound(methods.begin(), methods.end(), name,
                       [](const auto& entry, std::string_view key) { return entry.first < key; });
  return found != methods.end() && found->first == name ? found->second : nullptr;
}

std::vector<std::string_view> split_text(std::string_view text, const std::string* separator,
                                         std::int64_t most) {
  std::vector<std::string_view> parts;
  if (separator != nullptr) {
    std::size_t at = 0;
    while (most-- != 0 && (at = text.find(*separator)) != std::string_view::npos) {
      parts.push_back(text.substr(0, at));
      text.remove_prefix(at + separator->size());
    }
    parts.push_back(text);
    return parts;
  }
  for (text = strip(text, Side::left); !text.empty(); text = strip(text, Side::left)) {
    if (most-- == 0) {
      parts.push_back(text);
      break;
    }
    std::size_t end = 0;
    for (std::size_t next = 0; next < text.size() && !is_space(next_code_point(text, next));) end = next;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  constexpr std::u32string_view ends = U"\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029";
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t next = 0; next < text.size();) {
    const std::size_t end = next;
    const char32_t code = next_code_point(text, next);
    if (ends.find(code) == std::u32string_view::npos) continue;
    if (code == '\r' && next < text.size() && text[next] == '\n') ++next;
    lines.push_back(text.substr(begin, (keep_ends ? next : end) - begin));
    begin = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string replace_text(Heap& heap, std::string_view text, std::string_view from, std::string_view to,
                         std::int64_t most) {
  heap.step_text(text.size());
  std::string result;
  std::size_t begin = 0;
  std::size_t searched = 0;
  while (most-- != 0) {
    const std::size_t at = text.find(from, searched);
    if (at == std::string_view::npos) break;
    result += text.substr(begin, at - begin);
    result += to;
    heap.step();
    heap.reserve(result.size());
    begin = at + from.size();
    searched = begin;
    if (from.empty()) {
      if (begin >= text.size()) break;
      next_code_point(text, searched);
    }
  }
  result += text.substr(std::min(begin, text.size()));
  return result;
}

std::string center_text(Heap& heap, std::string_view text, std::int64_t width, std::string_view fill) {
  const std::int64_t missing = width - count_code_points(text);
  if (missing <= 0) return std::string(text);
  const std::int64_t left = missing / 2 + (missing & width & 1);
  return filled(heap, fill, left) + std::string(text) + filled(heap, fill, missing - left);
}

}  // namespace artemis::jinja

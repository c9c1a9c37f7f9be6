// Methods of strings that search, split and join.
#include <algorithm>

#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_slice.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr std::int64_t no_limit = INT64_MAX;

std::int64_t limit_of(const Parameters& p, std::size_t i) {
  const std::int64_t limit = p.integer(i, -1);
  return limit < 0 ? no_limit : limit;
}

Value strings(Interpreter& in, const Value& self, const std::vector<std::string>& parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string& part : parts) items.push_back(in.heap().text(part, self.is_markup()));
  return in.heap().list(std::move(items));
}

// Counts the work and the memory of the parts before they are made.
void charge_parts(Heap& heap, const std::string& text) {
  heap.step_bytes(text.size());
  heap.reserve(text.size());
}

void keep_part(Heap& heap, std::vector<std::string>& parts, std::string_view part) {
  heap.step();
  parts.emplace_back(part);
  heap.reserve(parts.size() * 100);
}

std::vector<std::string> split_at(Heap& heap, std::string_view text, std::string_view separator,
                                  std::int64_t limit) {
  std::vector<std::string> parts;
  for (std::size_t found = text.find(separator); found != std::string_view::npos && limit > 0; --limit) {
    keep_part(heap, parts, text.substr(0, found));
    text.remove_prefix(found + separator.size());
    found = text.find(separator);
  }
  keep_part(heap, parts, text);
  return parts;
}

std::vector<std::string> split_at_back(Heap& heap, std::string_view text, std::string_view separator,
                                       std::int64_t limit) {
  std::vector<std::string> parts;
  for (std::size_t found = text.rfind(separator); found != std::string_view::npos && limit > 0; --limit) {
    keep_part(heap, parts, text.substr(found + separator.size()));
    text = text.substr(0, found);
    found = text.rfind(separator);
  }
  keep_part(heap, parts, text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::size_t word_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t next = 0; next < text.size(); end = next) {
    if (is_space(next_code_point(text, next))) return end;
  }
  return end;
}

std::vector<std::string> split_words(Heap& heap, std::string_view text, std::int64_t limit) {
  std::vector<std::string> parts;
  for (text = strip(text, Side::left); !text.empty(); text = strip(text, Side::left)) {
    const std::size_t end = limit-- > 0 ? word_end(text) : text.size();
    keep_part(heap, parts, text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::size_t word_begin(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0) {
    std::size_t previous = begin - 1;
    while (previous > 0 && (text[previous] & 0xC0) == 0x80) --previous;
    std::size_t next = previous;
    if (is_space(next_code_point(text, next))) break;
    begin = previous;
  }
  return begin;
}

std::vector<std::string> split_words_back(Heap& heap, std::string_view text, std::int64_t limit) {
  std::vector<std::string> parts;
  for (text = strip(text, Side::right); !text.empty(); text = strip(text, Side::right)) {
    const std::size_t begin = limit-- > 0 ? word_begin(text) : 0;
    keep_part(heap, parts, text.substr(begin));
    text = text.substr(0, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

template <bool FromBack>
Value split(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("split", arguments, {"sep", "maxsplit"});
  const std::string& text = self.string();
  charge_parts(in.heap(), text);
  if (!p.has(0) || p[0].is_none()) {
    return strings(in, self,
                   FromBack ? split_words_back(in.heap(), text, limit_of(p, 1))
                            : split_words(in.heap(), text, limit_of(p, 1)));
  }
  const std::string separator = p.string(0);
  if (separator.empty()) fault("empty separator");
  return strings(in, self,
                 FromBack ? split_at_back(in.heap(), text, separator, limit_of(p, 1))
                          : split_at(in.heap(), text, separator, limit_of(p, 1)));
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

Value split_lines(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("splitlines", arguments, {"keepends"});
  const bool keep = p.truth(0, false);
  const std::string& text = self.string();
  charge_parts(in.heap(), text);
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = i;
    const char32_t code = next_code_point(text, i);
    if (!is_line_end(code)) continue;
    if (code == '\r' && i < text.size() && text[i] == '\n') ++i;
    keep_part(in.heap(), lines, std::string_view(text).substr(begin, (keep ? i : end) - begin));
    begin = i;
  }
  if (begin < text.size()) keep_part(in.heap(), lines, std::string_view(text).substr(begin));
  return strings(in, self, lines);
}

template <bool FromBack>
Value partition(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("partition", arguments, {"sep"}, 1);
  const std::string separator = p.string(0);
  if (separator.empty()) fault("empty separator");
  const std::string& text = self.string();
  const std::size_t found = FromBack ? text.rfind(separator) : text.find(separator);
  Heap& heap = in.heap();
  if (found == std::string::npos) {
    return FromBack ? heap.tuple({heap.text(""), heap.text(""), self})
                    : heap.tuple({self, heap.text(""), heap.text("")});
  }
  return heap.tuple({heap.text(text.substr(0, found)), heap.text(separator),
                     heap.text(text.substr(found + separator.size()))});
}

Value join(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("join", arguments, {"iterable"}, 1);
  const SequencePtr items = iterate(in.heap(), p[0]);
  std::string text;
  for (std::size_t i = 0; i < items->items.size(); ++i) {
    const Value& item = items->items[i];
    if (!item.is_string()) fault("sequence item {}: expected str instance, {} found", i, item.type_name());
    if (i > 0) text += self.string();
    text += text_within(in.heap(), item, self.is_markup());
    in.heap().step();
    in.heap().reserve(text.size());
  }
  return in.heap().text(std::move(text), self.is_markup());
}

Value replace(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("replace", arguments, {"old", "new", "count"}, 2);
  const std::string from = p.string(0);
  const std::string to = self.is_markup() && !p[1].is_markup() ? escape_html(p.string(1)) : p.string(1);
  return in.heap().text(replace_text(in.heap(), self.string(), from, to, limit_of(p, 2)), self.is_markup());
}

// The part of a text that the bounds at `first` of the parameters choose, and
// where it begins in code points.
struct Part {
  Value text;
  std::int64_t begin = 0;
  bool valid = true;  // the bounds are in order
};

Part part_of(Interpreter& in, const Value& self, const Parameters& p, std::size_t first) {
  if (!p.has(first)) return {.text = self};
  const std::int64_t size = length(self);
  const auto place = [size](std::int64_t i) { return i < 0 ? std::max<std::int64_t>(i + size, 0) : i; };
  const std::int64_t begin = p[first].is_none() ? 0 : place(p.integer(first));
  const std::int64_t end = p[first + 1].is_none() ? size : std::min(place(p.integer(first + 1)), size);
  Part part{.text = self, .begin = begin, .valid = begin <= end};
  if (part.valid) part.text = slice(in.heap(), self, begin, end, Value());
  return part;
}

// Code point index of a substring, or -1.
template <bool FromBack>
std::int64_t position_of(Interpreter& in, const Value& self, const Parameters& p) {
  const Part part = part_of(in, self, p, 1);
  if (!part.valid) return -1;
  const std::string& text = part.text.string();
  in.heap().step_bytes(text.size());
  const std::string wanted = p.string(0);
  const std::size_t found = FromBack ? text.rfind(wanted) : text.find(wanted);
  return found == std::string::npos ? -1
                                    : part.begin + count_code_points(std::string_view(text).substr(0, found));
}

template <bool FromBack>
Value find(Interpreter& in, const Value& self, Arguments& arguments) {
  return position_of<FromBack>(in, self, Parameters("find", arguments, {"sub", "start", "end"}, 1));
}

template <bool FromBack>
Value index(Interpreter& in, const Value& self, Arguments& arguments) {
  const std::int64_t found =
      position_of<FromBack>(in, self, Parameters("index", arguments, {"sub", "start", "end"}, 1));
  if (found < 0) fault("substring not found");
  return found;
}

Value count(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("count", arguments, {"sub", "start", "end"}, 1);
  const std::string wanted = p.string(0);
  const Part part = part_of(in, self, p, 1);
  if (!part.valid) return std::int64_t{0};
  const std::string& text = part.text.string();
  in.heap().step_bytes(text.size());
  if (wanted.empty()) return length(part.text) + 1;
  std::int64_t found = 0;
  for (std::size_t at = text.find(wanted); at != std::string::npos;
       at = text.find(wanted, at + wanted.size()))
    ++found;
  return found;
}

template <bool AtEnd>
Value has_affix(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("startswith", arguments, {"prefix", "start", "end"}, 1);
  const Part part = part_of(in, self, p, 1);
  const auto matches = [&part](const Value& affix) {
    require_defined(affix);
    if (!affix.is_string())
      fault(
          "startswith and endswith expect a string or a tuple of strings, "
          "not {}",
          affix.type_name());
    if (!part.valid) return false;
    return AtEnd ? part.text.string().ends_with(affix.string())
                 : part.text.string().starts_with(affix.string());
  };
  if (!p[0].is_sequence(SequenceKind::tuple)) return matches(p[0]);
  const auto& affixes = p[0].sequence()->items;
  return std::any_of(affixes.begin(), affixes.end(), matches);
}

}  // namespace

std::string replace_text(Heap& heap, const std::string& text, const std::string& from, const std::string& to,
                         std::int64_t limit) {
  std::string out;
  heap.step_bytes(text.size());
  const auto put = [&](std::string_view piece) {
    heap.step_bytes(piece.size());
    out += piece;
    heap.reserve(out.size());
  };
  std::size_t done = 0;
  std::size_t search = 0;
  while (limit-- > 0 && search <= text.size()) {
    const std::size_t found = text.find(from, search);
    if (found == std::string::npos) break;
    put(std::string_view(text).substr(done, found - done));
    put(to);
    done = found + from.size();
    search = done;
    if (from.empty() && search < text.size())
      next_code_point(text, search);
    else if (from.empty())
      ++search;
  }
  put(std::string_view(text).substr(done));
  return out;
}

const std::vector<NamedMethod>& string_search_methods() {
  static const std::vector<NamedMethod> methods{
      {"split", split<false>},
      {"rsplit", split<true>},
      {"splitlines", split_lines},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"join", join},
      {"replace", replace},
      {"find", find<false>},
      {"rfind", find<true>},
      {"index", index<false>},
      {"rindex", index<true>},
      {"count", count},
      {"startswith", has_affix<false>},
      {"endswith", has_affix<true>},
  };
  return methods;
}

}  // namespace artemis::jinja

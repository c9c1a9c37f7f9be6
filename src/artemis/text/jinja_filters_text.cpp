// Filters on text.
#include <algorithm>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_format.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

template <std::string (*convert)(std::string_view)>
Value converted(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "the filter", arguments, {});
  const Value text = to_string(heap, input);
  heap.reserve(8 * text.text().size());
  return Value::string(heap, convert(text.text()), text.is_markup());
}

bool parts_words(char32_t code) {
  return is_space(code) || std::u32string_view(U"-({[<").find(code) != std::u32string_view::npos;
}

// Each word, and each run of what parts words, with its first letter in upper case and the rest in lower
// case.
std::string title_words(std::string_view text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t after_first = begin;
    const bool between = parts_words(next_code_point(text, after_first));
    std::size_t end = after_first;
    for (std::size_t next = end; next < text.size() && parts_words(next_code_point(text, next)) == between;)
      end = next;
    result +=
        upper(text.substr(begin, after_first - begin)) + lower(text.substr(after_first, end - after_first));
    begin = end;
  }
  return result;
}

Value string(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "string", arguments, {});
  return to_string(heap, input);
}

Value escape_html(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "escape", arguments, {});
  return escaped(heap, input);
}

Value force_escape(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "forceescape", arguments, {});
  return escaped(heap, Value::string(heap, to_text(heap, input)));
}

Value safe(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "safe", arguments, {});
  return Value::string(heap, to_text(heap, input), true);
}

Value trim(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "trim", arguments, {"chars"});
  const Value text = to_string(heap, input);
  const bool blanks = !bound.has(0) || bound[0].is(Kind::none);
  const std::string characters = blanks ? "" : bound.text(0, {});
  const std::string_view view = characters;
  heap.step(1 + static_cast<std::int64_t>(characters.size() * text.text().size() / 256));
  return Value::string(heap, std::string(strip(text.text(), Side::both, blanks ? nullptr : &view)),
                       text.is_markup());
}

Value replace(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "replace", arguments, {"old", "new", "count"}, 2);
  const std::int64_t count = bound.integer_or_none(2).value_or(-1);
  return Value::string(heap, replace_text(heap, to_text(heap, input), to_text(heap, bound[0]),
                                          to_text(heap, bound[1]), count));
}

Value center(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "center", arguments, {"width"});
  const Value text = to_string(heap, input);
  return Value::string(heap, center_text(heap, text.text(), bound.integer(0, 80)), text.is_markup());
}

Value format(Heap& heap, const Value& input, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    raise("format takes positional or named arguments, not both");
  }
  if (arguments.named.empty()) {
    return format_percent(heap, to_string(heap, input), Value::tuple(heap, arguments.positional));
  }
  const Ref<DictObject> values = make<DictObject>(heap);
  for (const auto& [name, value] : arguments.named) values->set(Value::string(heap, name), value);
  return format_percent(heap, to_string(heap, input), Value::of(Kind::dict, values));
}

Value indent(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "indent", arguments, {"width", "first", "blank"});
  require_defined(input);
  if (!input.is(Kind::string)) raise("indent needs a string, not '{}'", type_name(input));
  const bool given = bound.has(0) && bound[0].is(Kind::string);
  const std::int64_t width = given ? 0 : bound.integer(0, 4);
  heap.reserve(static_cast<std::size_t>(std::clamp<std::int64_t>(width, 0, 1 << 30)));
  const std::string blanks =
      given ? bound[0].text() : std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  const bool all = bound.truth(2, false);
  std::string result = bound.truth(1, false) ? blanks : "";
  const std::string text = input.text() + "\n";
  bool is_first = true;
  for (const std::string_view line : split_lines(text, false)) {
    if (!is_first) result += '\n';
    if (!is_first && (all || !line.empty())) result += blanks;
    result += line;
    is_first = false;
    heap.reserve(result.size());
    heap.step();
  }
  return Value::string(heap, std::move(result), input.is_markup());
}

Value truncate(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "truncate", arguments, {"length", "killwords", "end", "leeway"});
  const std::int64_t most = bound.integer(0, 255);
  const std::string end = bound.text(2, "...");
  const std::int64_t leeway = bound.integer_or_none(3).value_or(5);
  const std::int64_t kept = most - count_code_points(end);
  if (kept < 0) raise("truncate needs a length of at least {}", count_code_points(end));
  if (leeway < 0) raise("truncate needs a leeway of at least 0");
  require_defined(input);
  if (!input.is(Kind::string)) raise("truncate needs a string, not '{}'", type_name(input));
  if (count_code_points(input.text()) - leeway <= most) return input;
  std::string text = input.text().substr(0, byte_of(input.text(), kept));
  if (!bound.truth(1, false)) text = text.substr(0, text.rfind(' '));
  return Value::string(heap, text + end, input.is_markup());
}

Value join(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "join", arguments, {"d", "attribute"});
  const std::string separator = bound.has(0) ? to_text(heap, bound[0]) : "";
  const Value attribute = bound.value(1, Value::none());
  const Ref<IteratorObject> items = iterate(heap, input);
  std::string text;
  bool is_first = true;
  while (std::optional<Value> item = items->next()) {
    if (!is_first) text += separator;
    text += to_text(heap, dotted_attribute(heap, std::move(*item), attribute, Value::none()));
    heap.reserve(text.size());
    is_first = false;
  }
  return Value::string(heap, std::move(text));
}

Value wordcount(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "wordcount", arguments, {});
  const std::string text = to_text(heap, input);
  std::int64_t words = 0;
  bool in_word = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t code = next_code_point(text, position);
    const bool part = code == '_' || is_alpha(code) || is_numeric(code);
    words += part && !in_word ? 1 : 0;
    in_word = part;
  }
  return Value::integer(words);
}

std::string quote_url(std::string_view text, bool in_query) {
  std::string result;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !in_query))
      result += c;
    else if (c == ' ' && in_query)
      result += '+';
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

Value urlencode(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "urlencode", arguments, {});
  if (input.is(Kind::string) || !is_iterable(input)) {
    const std::string text = to_text(heap, input);
    heap.reserve(3 * text.size());
    return Value::string(heap, quote_url(text, false));
  }
  std::string result;
  const bool mapping = input.is(Kind::dict);
  for (const Value& item : to_items(heap, input)) {
    const std::vector<Value> pair =
        mapping ? std::vector<Value>{item, *input.dict().find(item)} : to_items(heap, item);
    if (pair.size() != 2) raise("urlencode needs pairs of keys and values");
    if (!result.empty()) result += '&';
    result += quote_url(to_text(heap, pair[0]), true) + "=" + quote_url(to_text(heap, pair[1]), true);
    heap.reserve(3 * result.size());
  }
  return Value::string(heap, std::move(result));
}

}  // namespace

Filter find_text_filter(std::string_view name) {
  if (name == "capitalize") return converted<capitalize>;
  if (name == "center") return center;
  if (name == "e" || name == "escape") return escape_html;
  if (name == "forceescape") return force_escape;
  if (name == "format") return format;
  if (name == "indent") return indent;
  if (name == "join") return join;
  if (name == "lower") return converted<lower>;
  if (name == "replace") return replace;
  if (name == "safe") return safe;
  if (name == "string") return string;
  if (name == "title") return converted<title_words>;
  if (name == "trim") return trim;
  if (name == "truncate") return truncate;
  if (name == "upper") return converted<upper>;
  if (name == "urlencode") return urlencode;
  return name == "wordcount" ? wordcount : nullptr;
}

}  // namespace artemis::jinja

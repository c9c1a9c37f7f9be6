// Filters that lay out a text in lines and columns.
#include <algorithm>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// A method of strings called with arguments of our own.
Value call_method(Interpreter& in, const Value& text, std::string_view name, std::vector<Value> values) {
  Arguments arguments{.positional = std::move(values), .named = {}};
  return find_method(text, name)(in, text, arguments);
}

Value as_text(Interpreter& in, const Value& value) {
  return value.is_string() ? value : in.heap().text(to_string(in.heap(), value));
}

Value center(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("center", arguments, {"width"});
  return call_method(in, as_text(in, input), "center", {p.integer(0, 80)});
}

std::string indentation(Interpreter& in, const Parameters& p) {
  if (p.has(0) && p[0].is_string()) return p[0].string();
  const std::int64_t width = std::max<std::int64_t>(p.integer(0, 4), 0);
  if (width > (1 << 20)) fault("the template needs too much memory");
  in.heap().reserve(static_cast<std::size_t>(width));
  return std::string(static_cast<std::size_t>(width), ' ');
}

Value indent(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("indent", arguments, {"width", "first", "blank"});
  require_defined(input);
  if (!input.is_string()) fault("indent() expected a string, not {}", input.type_name());
  const std::string indention = indentation(in, p);
  const bool blank = p.truth(2, false);
  const Value lines = call_method(in, in.heap().text(input.string() + "\n"), "splitlines", {});
  std::string text = p.truth(1, false) ? indention : "";
  bool first = true;
  for (const Value& line : lines.sequence()->items) {
    if (!first) text += '\n';
    if (!first && (blank || !line.string().empty())) text += indention;
    text += line.string();
    first = false;
    in.heap().step_bytes(indention.size());
    in.heap().reserve(text.size());
  }
  return in.heap().text(std::move(text), input.is_markup());
}

Value truncate(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("truncate", arguments, {"length", "killwords", "end", "leeway"});
  require_defined(input);
  if (!input.is_string()) fault("truncate() expected a string, not {}", input.type_name());
  const std::int64_t size = p.integer(0, 255);
  const std::string end = p.string(2, "...");
  const std::int64_t leeway = p[3].is_none() ? 5 : p.integer(3);
  const std::int64_t end_size = count_code_points(end);
  if (size < end_size) fault("expected length >= {}, got {}", end_size, size);
  if (leeway < 0) fault("expected leeway >= 0, got {}", leeway);
  const std::int64_t count = length(input);
  if (count - leeway <= size) return input;
  std::string cut = input.string().substr(0, byte_of(input.string(), size - end_size));
  if (!p.truth(1, false)) cut = cut.substr(0, cut.rfind(' '));
  return in.heap().text(cut + end);
}

}  // namespace

const std::vector<NamedFilter>& layout_filters() {
  static const std::vector<NamedFilter> filters{
      {"center", center}, {"indent", indent}, {"truncate", truncate}};
  return filters;
}

}  // namespace artemis::jinja

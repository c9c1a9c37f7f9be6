#include "artemis/text/jinja_filters.h"

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_json.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr std::string_view unsupported[] = {"filesizeformat", "pprint",   "random", "striptags",
                                            "urlize",         "wordwrap", "xmlattr"};

bool is_unsupported(std::string_view name) {
  return std::find(std::begin(unsupported), std::end(unsupported), name) != std::end(unsupported);
}

Value fall_back(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "default", arguments, {"default_value", "boolean"});
  const bool absent = input.is(Kind::undefined) || (bound.truth(1, false) && !truth(input));
  if (!absent) return input;
  return bound.has(0) ? bound[0] : Value::string(heap, "");
}

Value attribute(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "attr", arguments, {"name"}, 1);
  const std::string name = bound.text(0, {});
  require_defined(input);
  if (std::optional<Value> found = find_attribute(heap, input, name)) return std::move(*found);
  return Value::undefined(heap, fmt::format("'{}' has no attribute '{}'", type_name(input), name));
}

Value to_json(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = bound.truth(0, false);
  style.sort_keys = bound.truth(3, false);
  if (bound.has(1) && !bound[1].is(Kind::none)) {
    const bool text = bound[1].is(Kind::string);
    const std::int64_t width = text ? 0 : bound.integer(1, 0);
    if (width > 1000) raise("tojson indents by at most 1000");
    style.indent =
        text ? bound[1].text() : std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    style.item_separator = ",";
  }
  if (bound.has(2) && !bound[2].is(Kind::none)) {
    const std::vector<Value> separators = to_items(heap, bound[2]);
    const bool valid =
        separators.size() == 2 && separators[0].is(Kind::string) && separators[1].is(Kind::string);
    if (!valid) raise("tojson needs two strings as separators");
    style.item_separator = separators[0].text();
    style.key_separator = separators[1].text();
  }
  return Value::string(heap, write_json(heap, input, style));
}

Filter find_any(std::string_view name) {
  if (name == "default" || name == "d") return fall_back;
  if (name == "attr") return attribute;
  if (name == "tojson") return to_json;
  for (const auto& find : {find_text_filter, find_number_filter, find_sequence_filter, find_sorting_filter}) {
    if (const Filter filter = find(name)) return filter;
  }
  return nullptr;
}

std::string refusal(std::string_view name) {
  return is_unsupported(name) ? fmt::format("the filter '{}' is not supported", name)
                              : fmt::format("no filter named '{}'", name.substr(0, 40));
}

}  // namespace

bool is_filter(std::string_view name) { return find_any(name) != nullptr || is_unsupported(name); }

void require_filter(std::string_view where, std::string_view name) {
  if (find_any(name) == nullptr) throw Error(where, refusal(name));
}

Value apply_filter(Heap& heap, std::string_view name, const Value& input, const Arguments& arguments) {
  const Filter filter = find_any(name);
  if (filter == nullptr) raise("{}", refusal(name));
  heap.step();
  return filter(heap, input, arguments);
}

Value dotted_attribute(Heap& heap, Value item, const Value& attribute, const Value& fallback) {
  const auto look_up = [&](const Value& part) {
    item = get_item(heap, item, part);
    if (item.is(Kind::undefined) && !fallback.is(Kind::none)) item = fallback;
  };
  if (attribute.is(Kind::none)) return item;
  if (!attribute.is(Kind::string)) {
    look_up(attribute);
    return item;
  }
  const std::string dot = ".";
  for (const std::string_view part : split_text(attribute.text(), &dot, -1)) {
    const bool number = !part.empty() && part.size() < 18 &&
                        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    look_up(number ? Value::integer(std::stoll(std::string(part))) : Value::string(heap, std::string(part)));
  }
  return item;
}

}  // namespace artemis::jinja

// The table of filters.
#include "artemis/text/jinja_filters.h"

#include <algorithm>
#include <unordered_map>

#include "artemis/core/error.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

std::unordered_map<std::string_view, FilterFunction> build_table() {
  std::unordered_map<std::string_view, FilterFunction> table;
  for (const auto* part :
       {&text_filters(), &layout_filters(), &number_filters(), &sequence_filters(), &item_filters()}) {
    for (const NamedFilter& filter : *part) table.emplace(filter.name, filter.function);
  }
  return table;
}

const std::unordered_map<std::string_view, FilterFunction>& table() {
  static const std::unordered_map<std::string_view, FilterFunction> filters = build_table();
  return filters;
}

}  // namespace

FilterFunction find_filter(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

bool is_filter(std::string_view name) { return find_filter(name) != nullptr; }

void fail_unknown_filter(std::string_view where, std::string_view name) {
  fail(where, "no filter named {}", repr(name));
}

Value get_path(Interpreter& interpreter, const Value& value, const Value& path, const Value& fallback) {
  const auto step_into = [&](const Value& owner, const Value& key) {
    const Value part = interpreter.item(owner, key);
    return part.is_undefined() && !fallback.is_none() ? fallback : part;
  };
  if (path.is_none()) return value;
  if (!path.is_string()) return step_into(value, path);
  Value result = value;
  const std::string& names = path.string();
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find('.', begin), names.size());
    const std::string part = names.substr(begin, end - begin);
    const bool is_index =
        !part.empty() && part.size() < 18 && part.find_first_not_of("0123456789") == std::string::npos;
    const Value key =
        is_index ? Value(static_cast<std::int64_t>(std::stoll(part))) : interpreter.heap().text(part);
    result = step_into(result, key);
    begin = end + 1;
  }
  return result;
}

Value fold_case(Interpreter& interpreter, const Value& value) {
  return value.is_string() ? interpreter.heap().text(lower(value.string())) : value;
}

}  // namespace artemis::jinja

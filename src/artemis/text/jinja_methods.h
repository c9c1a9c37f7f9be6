// Methods of strings, lists and dicts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

using MethodFunction = Value (*)(Interpreter& interpreter, const Value& self, Arguments& arguments);

struct NamedMethod {
  std::string_view name;
  MethodFunction function;
};

// The method of a value's type, or null. Throws Fault for a method of Python
// that is not supported here.
MethodFunction find_method(const Value& value, std::string_view name);
// Whether the sandbox hides the attribute, since it changes the value.
bool is_hidden(const Value& value, std::string_view name);

const std::vector<NamedMethod>& string_methods();
const std::vector<NamedMethod>& string_search_methods();

// A text with at most `limit` occurrences replaced.
std::string replace_text(Heap& heap, const std::string& text, const std::string& from, const std::string& to,
                         std::int64_t limit);

// str.format and str.format_map.
Value format_method(Interpreter& interpreter, const Value& self, Arguments& arguments);
Value format_map_method(Interpreter& interpreter, const Value& self, Arguments& arguments);
// One value by Python's format specification.
std::string format_value(Heap& heap, const Value& value, std::string_view specification);

}  // namespace artemis::jinja

// The filters, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

using FilterFunction = Value (*)(Interpreter& interpreter, const Value& input, Arguments& arguments);

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

// The filter of a name, or null.
FilterFunction find_filter(std::string_view name);
bool is_filter(std::string_view name);
// Throws Error.
[[noreturn]] void fail_unknown_filter(std::string_view where, std::string_view name);

// The parts of the table: filters of text, of numbers, of sequences, and those
// that choose or map items.
const std::vector<NamedFilter>& text_filters();
const std::vector<NamedFilter>& layout_filters();
const std::vector<NamedFilter>& number_filters();
const std::vector<NamedFilter>& sequence_filters();
const std::vector<NamedFilter>& item_filters();

// A filter's `attribute` argument: a dotted path of names and indices. A part
// that is missing gives the fallback, or an undefined value when that is None.
Value get_path(Interpreter& interpreter, const Value& value, const Value& path, const Value& fallback = {});
// A string in lower case, any other value as it is.
Value fold_case(Interpreter& interpreter, const Value& value);

}  // namespace artemis::jinja

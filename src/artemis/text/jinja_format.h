// Python's two ways to format text: the % operator and str.format.
#pragma once

#include <string>
#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// text % arguments: a tuple, a dict or one value.
Value format_percent(Heap& heap, const Value& text, const Value& arguments);

// text.format(...).
Value format_braces(Heap& heap, const Value& text, const Arguments& arguments);

// format(value, specification), as in '{:>8.2f}'.
std::string format_value(Heap& heap, const Value& value, std::string_view specification);

}  // namespace artemis::jinja

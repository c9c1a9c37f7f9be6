// Python's operators on values. All throw Fault.
#pragma once

#include <string>
#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// left symbol right, for + - * / // % **.
Value binary(Heap& heap, std::string_view symbol, const Value& left, const Value& right);
Value negative(const Value& value);
Value positive(const Value& value);

// Integers of 64 bits; Fault when the result is larger.
std::int64_t add_integers(std::int64_t a, std::int64_t b);
std::int64_t multiply_integers(std::int64_t a, std::int64_t b);

// text % arguments for a string, where the arguments are a tuple, a dict or one value.
Value percent_format(Heap& heap, const Value& text, const Value& arguments);

// The text of a value as it stands in a text that is markup or not: there, what is no markup is escaped.
std::string text_within(Heap& heap, const Value& value, bool markup);
// & < > ' " as HTML's entities.
std::string escape_html(std::string_view text);

}  // namespace artemis::jinja

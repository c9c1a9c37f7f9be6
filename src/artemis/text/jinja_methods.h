// Methods and attributes of Python's built-in types.
#pragma once

#include <optional>
#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

using Method = Value (*)(Heap& heap, const Value& self, const Arguments& arguments);

// A method bound to the value, or a plain attribute; nothing when the type has none of the name.
std::optional<Value> find_method(Heap& heap, const Value& value, std::string_view name);

// Whether the immutable sandbox keeps the attribute from templates: underscores, and what would change a
// value.
bool is_unsafe_attribute(const Value& value, std::string_view name);

// The method of a string, or null (jinja_methods_string.cpp).
Method find_string_method(std::string_view name);

// Splits text at a separator, or at runs of blanks when it is null; `most` splits, or all when negative.
std::vector<std::string_view> split_text(std::string_view text, const std::string* separator,
                                         std::int64_t most);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
// Text with up to `most` occurrences replaced, or all when negative.
std::string replace_text(Heap& heap, std::string_view text, std::string_view from, std::string_view to,
                         std::int64_t most);
// Text centred in a width of code points, as str.center does.
std::string center_text(Heap& heap, std::string_view text, std::int64_t width, std::string_view fill = " ");

}  // namespace artemis::jinja

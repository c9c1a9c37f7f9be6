// The filters of Jinja2 that chat templates can use.
#pragma once

#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

using Filter = Value (*)(Heap& heap, const Value& input, const Arguments& arguments);

// Whether jinja2 has a filter of the name.
bool is_filter(std::string_view name);

// input|name(arguments); throws Failure, also for an unknown filter.
Value apply_filter(Heap& heap, std::string_view name, const Value& input, const Arguments& arguments);

// Fails at parse time for a filter that does not exist or is not supported.
void require_filter(std::string_view where, std::string_view name);

// The filters by what they work on; null for other names.
Filter find_text_filter(std::string_view name);      // jinja_filters_text.cpp
Filter find_number_filter(std::string_view name);    // jinja_filters_number.cpp
Filter find_sequence_filter(std::string_view name);  // jinja_filters_sequence.cpp
Filter find_sorting_filter(std::string_view name);   // jinja_filters_sorting.cpp

// item.a.b as filters look attributes up: `attribute` is a dotted name, an integer or none. Undefined results
// become `fallback` unless that is none.
Value dotted_attribute(Heap& heap, Value item, const Value& attribute, const Value& fallback);

}  // namespace artemis::jinja

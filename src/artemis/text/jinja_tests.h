// The tests of Jinja2, as in `x is defined`.
#pragma once

#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

bool is_test(std::string_view name);

// value is name(arguments); throws Failure, also for an unknown test.
bool apply_test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments);

// Fails at parse time for a test that does not exist.
void require_test(std::string_view where, std::string_view name);

}  // namespace artemis::jinja

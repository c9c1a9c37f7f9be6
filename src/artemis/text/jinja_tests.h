// The tests, by name.
#pragma once

#include <string>
#include <string_view>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

using TestFunction = bool (*)(Interpreter& interpreter, const Value& input, Arguments& arguments);

// The test of a name, or null.
TestFunction find_test(std::string_view name);
bool is_test(std::string_view name);
// Throws Error.
[[noreturn]] void fail_unknown_test(std::string_view where, std::string_view name);

}  // namespace artemis::jinja

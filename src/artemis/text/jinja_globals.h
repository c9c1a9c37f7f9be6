// The functions that every template sees.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now;
// nothing for other names.
std::optional<Value> find_global(Interpreter& interpreter, std::string_view name);

// Seconds since 1970 by a format of strftime, in local time. Throws Fault for
// directives that are not supported.
std::string format_time(std::int64_t seconds, std::string_view format);

}  // namespace artemis::jinja

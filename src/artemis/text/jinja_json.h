// Values from JSON and to JSON.
#pragma once

#include <optional>
#include <string>

#include "artemis/io/json.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

Value from_json(Heap& heap, const Json& json);

// As the arguments of Python's json.dumps.
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // of one level; absent for one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Throws Failure for what is no JSON, an undefined value say.
std::string write_json(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace artemis::jinja

// Values as JSON, as Python's json.dumps writes it.
#pragma once

#include <optional>
#include <string>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

struct JsonStyle {
  bool ascii = false;  // escapes for everything beyond ASCII
  bool sort_keys = false;
  std::optional<std::string> indent;  // of one level, each item on its line; all
                                      // on one line when absent
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Throws Fault for values that JSON does not have.
std::string to_json(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace artemis::jinja

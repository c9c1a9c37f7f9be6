// What the parameters of a tool may be: tells how the text of one is meant that could be JSON as well.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "artemis/grammar/grammar.h"
#include "artemis/io/json.h"

namespace artemis {

// Immutable.
class ParameterValues {
 public:
  // `parameters`: the schema of them all. Throws Error where tool_call_grammar refuses it.
  explicit ParameterValues(const Json& parameters);

  // Whether the parameter `key` may be this JSON, as the grammar of calls has it; no for other keys. Throws
  // Error where it has too many ways to read it.
  bool allow_json(const std::string& key, std::string_view json) const;

 private:
  std::shared_ptr<const Grammar> grammar_;  // "KEY":VALUE; null: there are no values
};

}  // namespace artemis

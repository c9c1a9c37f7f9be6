// What the text of a tool call's parameter stands for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "artemis/grammar/parameter_values.h"
#include "artemis/io/json.h"
#include "artemis/serve/openai_request.h"

namespace artemis {

// A string as JSON; bytes that are no UTF-8 are replaced.
std::string json_text(std::string_view text);

// Where a parameter's schema takes text alone, or is not known, a text stands for itself; else for the JSON
// that it is, if the schema takes its type; else for itself. In a call that was held to its schema it is JSON
// if that fits it all, not by its type alone. Immutable, shared by the choices of a request.
class ArgumentReader {
 public:
  // `tools`: a list of {"type": "function", "function": {"name", "parameters"}}, which must outlive it. What
  // was held: calls of strict tools, of all with ToolChoice::required, of `named` with ToolChoice::named.
  explicit ArgumentReader(const Json& tools, ToolChoice choice = ToolChoice::automatic,
                          std::string_view named = "");

  // The argument `key` of a tool, as JSON: as it was written but for white space.
  std::string json(const std::string& tool, const std::string& key, std::string_view text) const;

 private:
  struct Tool {
    const Json* parameters = nullptr;
    std::optional<ParameterValues> held{};
  };

  bool is_json(const std::string& tool, const std::string& key, std::string_view text) const;

  std::unordered_map<std::string, Tool> tools_;  // those with parameters
};

}  // namespace artemis

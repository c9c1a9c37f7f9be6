#include "artemis/cli/option_file.h"

#include <fmt/format.h>

#include "artemis/core/error.h"
#include "artemis/io/yaml.h"
#include "artemis/train/run_config.h"

namespace artemis {
namespace {

std::vector<std::string> values_of(const YamlNode& node, const std::string& where) {
  std::vector<std::string> values;
  if (node.kind == YamlNode::Kind::scalar) values.push_back(node.scalar);
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::scalar) {
      throw UsageError(where, fmt::format("the list holds {}, expected plain values", item.kind_name()));
    }
    values.push_back(item.scalar);
  }
  if (values.empty())
    throw UsageError(where, fmt::format("is {}, expected a value or a list", node.kind_name()));
  return values;
}

}  // namespace

void apply_option_file(CLI::App& command, const std::filesystem::path& file) {
  const YamlNode root = read_yaml(file);
  if (root.kind != YamlNode::Kind::map) {
    throw UsageError(file.string(), fmt::format("is {}, expected a map of options", root.kind_name()));
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) names.push_back(option->get_name());
  for (const auto& [key, node] : root.entries) {
    const std::string where = fmt::format("{}:{}", file.string(), node.line);
    CLI::Option* option = command.get_option_no_throw("--" + key);
    if (option == nullptr || key == "config" || key == "help") {
      throw UsageError(where, fmt::format("there is no key '{}', did you mean '{}'?", key,
                                          nearest_name("--" + key, names).substr(2)));
    }
    if (option->count() > 0) continue;
    for (const std::string& value : values_of(node, where)) option->add_result(value);
    option->run_callback();
  }
}

}  // namespace artemis

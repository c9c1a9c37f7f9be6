#include "artemis/cli/train_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace artemis {
namespace {

// A value of the command line: YAML where it is written as a list or map, else a plain word.
YamlNode node_of(const std::string& text, const std::string& option) {
  const bool structured = text.starts_with('[') || text.starts_with('{');
  YamlNode node = structured ? parse_yaml(text, option) : YamlNode::of_scalar(text);
  node.line = 0;
  return node;
}

YamlNode node_of(const std::vector<std::string>& texts, const std::string& option) {
  if (texts.size() == 1) return node_of(texts.front(), option);
  std::vector<YamlNode> items;
  for (const std::string& text : texts) items.push_back(node_of(text, option));
  return YamlNode::of_list(std::move(items));
}

// The default in the help: "[1e-05]", or nothing.
std::string default_words(const RunConfig& defaults, const ConfigKey& key) {
  const YamlNode value = key_value(defaults, key);
  std::vector<std::string> words;
  if (value.kind == YamlNode::Kind::scalar) words.push_back(value.scalar);
  for (const YamlNode& item : value.items) words.push_back(item.scalar);
  return words.empty() ? "" : fmt::format(" [{}]", fmt::join(words, " "));
}

std::string help_of(const RunConfig& defaults, const ConfigKey& key) {
  const std::string choices = key.choices.empty() ? "" : fmt::format(": {}", key.expected());
  return key.help + choices + default_words(defaults, key);
}

}  // namespace

RunConfigOptions::RunConfigOptions(CLI::App& command, RunConfig defaults)
    : command_(command), defaults_(std::move(defaults)) {
  command.add_option("--config", file_, "YAML file of the keys below; the command line wins over it");
  for (const ConfigKey& key : run_config_keys()) {
    std::vector<std::string>& values = values_[key.name];
    const std::string help = help_of(defaults_, key);
    if (key.is_flag()) {
      command.add_option(key.option(), values, help)->expected(0, 1)->type_name("");
    } else {
      command.add_option(key.option(), values, help)
          ->expected(1, key.is_list() ? CLI::detail::expected_max_vector_size : 1)
          ->type_name("");
    }
  }
  command.allow_extras();
}

RunConfig RunConfigOptions::read() const {
  std::vector<std::string> names = {"--config", "--merge"};
  for (const ConfigKey& key : run_config_keys()) names.push_back(key.option());
  for (const std::string& extra : command_.remaining()) {
    if (!extra.starts_with("--"))
      throw UsageError(command_.get_name(), fmt::format("'{}' belongs to no option", extra));
    const std::string word = extra.substr(0, extra.find('='));
    throw UsageError(command_.get_name(), fmt::format("there is no option '{}', did you mean '{}'?", word,
                                                      nearest_name(word, names)));
  }
  RunConfig config = defaults_;
  if (!file_.empty()) apply_run_config(config, read_yaml(file_), file_);
  for (const ConfigKey& key : run_config_keys()) {
    if (command_.count(key.option()) == 0) continue;
    std::vector<std::string> values = values_.at(key.name);
    if (key.is_flag() && (values.empty() || values.front().empty())) values = {"true"};
    set_key(config, key, node_of(values, key.option()), key.option());
  }
  return config;
}

}  // namespace artemis

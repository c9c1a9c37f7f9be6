#include "artemis/train/run_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace artemis {
namespace {

using Kind = YamlNode::Kind;

template <typename... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

std::string at(const std::string& where, const YamlNode& node) {
  return node.line > 0 ? fmt::format("{}:{}", where, node.line) : where;
}

[[noreturn]] void refuse(const std::string& where, const std::string& name, const YamlNode& value,
                         const std::string& expected) {
  const std::string found =
      value.kind == Kind::scalar ? fmt::format("'{}'", value.scalar) : std::string(value.kind_name());
  throw UsageError(at(where, value), fmt::format("{} is {}, expected {}", name, found, expected));
}

// The whole of a word as a number.
template <typename T>
std::optional<T> number(const YamlNode& value) {
  if (value.kind != Kind::scalar) return std::nullopt;
  const char* end = value.scalar.data() + value.scalar.size();
  T result{};
  const auto [stopped, error] = std::from_chars(value.scalar.data(), end, result);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return result;
}

std::optional<bool> truth(const YamlNode& value) {
  if (value.kind != Kind::scalar) return std::nullopt;
  if (value.scalar == "true" || value.scalar == "True") return true;
  if (value.scalar == "false" || value.scalar == "False") return false;
  return std::nullopt;
}

// Words alone or in a list, none of them empty.
std::optional<std::vector<std::string>> words(const YamlNode& value) {
  std::vector<std::string> result;
  if (value.kind == Kind::scalar) result.push_back(value.scalar);
  if (value.kind == Kind::list) {
    for (const YamlNode& item : value.items) {
      if (item.kind != Kind::scalar) return std::nullopt;
      result.push_back(item.scalar);
    }
  }
  if (result.empty() || std::ranges::find(result, "") != result.end()) return std::nullopt;
  return result;
}

bool in_range(const KeyRange& range, double value) {
  return std::isfinite(value) && (range.above_least ? value > range.least : value >= range.least) &&
         value <= range.most;
}

DataSource source_of(const YamlNode& map, const std::string& name, const std::string& where) {
  DataSource source;
  for (const auto& [key, value] : map.entries) {
    if (key == "path" || key == "paths") {
      const auto paths = words(value);
      if (!paths || !source.paths.empty()) refuse(where, name + "." + key, value, "paths, given once");
      source.paths = *paths;
    } else if (key == "weight") {
      const auto weight = number<double>(value);
      if (!weight || !in_range({.least = 0, .above_least = true}, *weight)) {
        refuse(where, name + ".weight", value, "a number above 0");
      }
      source.weight = *weight;
    } else {
      throw UsageError(at(where, value), fmt::format("{} has no key '{}', did you mean '{}'?", name, key,
                                                     nearest_name(key, {"path", "paths", "weight"})));
    }
  }
  if (source.paths.empty()) refuse(where, name, map, "a map with 'path' or 'paths'");
  return source;
}

// A path, a list of paths (one source), a map, or a list of maps.
std::vector<DataSource> sources_of(const YamlNode& value, const std::string& name, const std::string& where) {
  if (const auto paths = words(value)) return {DataSource{.paths = *paths, .weight = 1.0}};
  if (value.kind == Kind::map) return {source_of(value, name, where)};
  std::vector<DataSource> sources;
  for (const YamlNode& item : value.items) {
    if (item.kind != Kind::map) refuse(where, name, value, "paths, or a list of {path or paths, weight}");
    sources.push_back(source_of(item, name, where));
  }
  return sources;
}

YamlNode list_of_words(const std::vector<std::string>& texts) {
  std::vector<YamlNode> items;
  for (const std::string& text : texts) items.push_back(YamlNode::of_scalar(text));
  return YamlNode::of_list(std::move(items));
}

YamlNode list_of_sources(const std::vector<DataSource>& sources) {
  std::vector<YamlNode> items;
  for (const DataSource& source : sources) {
    YamlNode map = YamlNode::of_map();
    map.entries.push_back({"paths", list_of_words(source.paths)});
    map.entries.push_back({"weight", YamlNode::of_scalar(fmt::format("{}", source.weight))});
    items.push_back(std::move(map));
  }
  return YamlNode::of_list(std::move(items));
}

std::string range_words(const KeyRange& range) {
  if (!std::isfinite(range.least)) return "";
  if (range.above_least && std::isfinite(range.most))
    return fmt::format(" above {} and at most {}", range.least, range.most);
  if (range.above_least) return fmt::format(" above {}", range.least);
  if (std::isfinite(range.most)) return fmt::format(" from {} to {}", range.least, range.most);
  return fmt::format(" of at least {}", range.least);
}

void apply_map(RunConfig& config, const YamlNode& map, const std::string& prefix, const std::string& where) {
  std::vector<std::string> names;
  for (const ConfigKey& key : run_config_keys()) names.push_back(key.name);
  for (const auto& [word, value] : map.entries) {
    const std::string name = prefix + word;
    const auto found = std::ranges::find(run_config_keys(), name, &ConfigKey::name);
    const bool group =
        std::ranges::any_of(names, [&](const auto& other) { return other.starts_with(name + "."); });
    if (found != run_config_keys().end()) {
      set_key(config, *found, value, where);
    } else if (group) {
      if (value.kind != Kind::map) refuse(where, name, value, "a map of its keys");
      apply_map(config, value, name + ".", where);
    } else {
      throw UsageError(at(where, value), fmt::format("there is no key '{}', did you mean '{}'?", name,
                                                     nearest_name(name, names)));
    }
  }
}

}  // namespace

Trainable RunConfig::trainable() const {
  return {.projector = train_projector.value_or(true),
          .decoder = method == "full" && train_decoder.value_or(stage == 2),
          .lora = method == "lora" && train_decoder.value_or(stage == 2),
          .tower = train_tower.value_or(false),
          .tower_blocks = train_tower_blocks};
}

RunConfig RunConfig::resolved() const {
  RunConfig config = *this;
  const Trainable parts = trainable();
  config.train_projector = parts.projector;
  config.train_decoder = parts.decoder || parts.lora;
  config.train_tower = parts.tower;
  return config;
}

bool ConfigKey::is_flag() const {
  return std::holds_alternative<bool RunConfig::*>(field) ||
         std::holds_alternative<std::optional<bool> RunConfig::*>(field);
}

bool ConfigKey::is_list() const {
  return std::holds_alternative<std::vector<std::string> RunConfig::*>(field) ||
         std::holds_alternative<std::vector<DataSource> RunConfig::*>(field);
}

std::string ConfigKey::option() const {
  std::string text = "--" + name;
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string ConfigKey::expected() const {
  if (!choices.empty()) return fmt::format("{}", fmt::join(choices, " or "));
  return std::visit(
      Overload{[](std::string RunConfig::*) { return std::string("a word"); },
               [this](std::int64_t RunConfig::*) { return "an integer" + range_words(range); },
               [this](double RunConfig::*) { return "a number" + range_words(range); },
               [](bool RunConfig::*) { return std::string("true or false"); },
               [](std::optional<bool> RunConfig::*) { return std::string("true or false"); },
               [](std::vector<std::string> RunConfig::*) { return std::string("a list of words"); },
               [](std::vector<DataSource> RunConfig::*) {
                 return std::string("paths, or a list of {path or paths, weight}");
               }},
      field);
}

void set_key(RunConfig& config, const ConfigKey& key, const YamlNode& value, const std::string& where) {
  const auto take = [&](auto& target, const auto& parsed) {
    if (!parsed) refuse(where, key.name, value, key.expected());
    target = *parsed;
  };
  const auto take_number = [&](auto& target, const auto& parsed) {
    if (!parsed || !in_range(key.range, static_cast<double>(*parsed))) {
      refuse(where, key.name, value, key.expected());
    }
    target = *parsed;
  };
  std::visit(Overload{[&](std::string RunConfig::*field) {
                        const bool listed = key.choices.empty() ||
                                            std::ranges::find(key.choices, value.scalar) != key.choices.end();
                        if (value.kind != Kind::scalar || !listed)
                          refuse(where, key.name, value, key.expected());
                        config.*field = value.scalar;
                      },
                      [&](std::int64_t RunConfig::*field) {
                        take_number(config.*field, number<std::int64_t>(value));
                      },
                      [&](double RunConfig::*field) { take_number(config.*field, number<double>(value)); },
                      [&](bool RunConfig::*field) { take(config.*field, truth(value)); },
                      [&](std::optional<bool> RunConfig::*field) { take(config.*field, truth(value)); },
                      [&](std::vector<std::string> RunConfig::*field) { take(config.*field, words(value)); },
                      [&](std::vector<DataSource> RunConfig::*field) {
                        config.*field = sources_of(value, key.name, where);
                        if ((config.*field).empty()) refuse(where, key.name, value, key.expected());
                      }},
             key.field);
}

YamlNode key_value(const RunConfig& config, const ConfigKey& key) {
  const auto scalar = [](const auto& value) { return YamlNode::of_scalar(fmt::format("{}", value)); };
  return std::visit(
      Overload{[&](std::vector<std::string> RunConfig::*field) { return list_of_words(config.*field); },
               [&](std::vector<DataSource> RunConfig::*field) {
                 return (config.*field).empty() ? YamlNode() : list_of_sources(config.*field);
               },
               [&](std::optional<bool> RunConfig::*field) {
                 return config.*field ? scalar(*(config.*field)) : YamlNode();
               },
               [&](std::string RunConfig::*field) {
                 return (config.*field).empty() ? YamlNode() : scalar(config.*field);
               },
               [&](auto RunConfig::*field) { return scalar(config.*field); }},
      key.field);
}

void apply_run_config(RunConfig& config, const YamlNode& document, const std::string& where) {
  if (document.kind != Kind::map) refuse(where, "the run", document, "a map of keys");
  apply_map(config, document, "", where);
}

YamlNode run_config_yaml(const RunConfig& config) {
  YamlNode document = YamlNode::of_map();
  for (const ConfigKey& key : run_config_keys()) {
    YamlNode value = key_value(config, key);
    if (value.kind == Kind::null) continue;
    const std::size_t dot = key.name.find('.');
    YamlNode* map = &document;
    if (dot != std::string::npos) {
      const std::string group = key.name.substr(0, dot);
      if (document.entries.empty() || document.entries.back().key != group) {
        document.entries.push_back({group, YamlNode::of_map()});
      }
      map = &document.entries.back().value;
    }
    map->entries.push_back({key.name.substr(dot + 1), std::move(value)});  // npos + 1 is 0
  }
  return document;
}

std::string nearest_name(const std::string& word, const std::vector<std::string>& names) {
  const auto distance = [&word](const std::string& name) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i + 1);
      for (std::size_t j = 0; j < name.size(); ++j) {
        const std::size_t changed = diagonal + (word[i] != name[j] ? 1 : 0);
        diagonal = std::exchange(row[j + 1], std::min({row[j + 1] + 1, row[j] + 1, changed}));
      }
    }
    return row.back();
  };
  return *std::ranges::min_element(names, {}, distance);
}

}  // namespace artemis

// YAML as run descriptions use it: plain values, lists and maps, each with the line it stands on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 0;                    // from 1; 0: not from a file
  std::string scalar;              // as it was written
  std::vector<YamlNode> items;     // of a list
  std::vector<YamlEntry> entries;  // of a map, in their order

  // "a value", "a list", "a map" or "nothing".
  const char* kind_name() const;

  static YamlNode of_scalar(std::string text);
  static YamlNode of_list(std::vector<YamlNode> items);
  static YamlNode of_map();
};

struct YamlEntry {
  std::string key;
  YamlNode value;
};

// Parses one document. Throws Error "[where:line] ..." for text that is no YAML, keys that are no plain words
// or stand twice, and documents of more than a hundred thousand nodes (aliases counted each time).
YamlNode parse_yaml(std::string_view text, const std::string& where);
YamlNode read_yaml(const std::filesystem::path& file);

// The text of a document in block style, which parse_yaml gives back.
std::string yaml_text(const YamlNode& node);

}  // namespace artemis

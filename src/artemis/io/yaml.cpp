#include "artemis/io/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

constexpr int max_nodes = 100'000;
constexpr int max_depth = 64;  // an anchor may lead back to itself

class Reader {
 public:
  explicit Reader(const std::string& where) : where_(where) {}

  YamlNode read(const YAML::Node& node) {
    YamlNode result;
    result.line = node.Mark().line + 1;
    require(++nodes_ <= max_nodes, at(result.line), "holds more than {} nodes", max_nodes);
    require(++depth_ <= max_depth, at(result.line), "is nested more than {} levels deep", max_depth);
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        result.kind = YamlNode::Kind::scalar;
        result.scalar = node.Scalar();
        break;
      case YAML::NodeType::Sequence:
        result.kind = YamlNode::Kind::list;
        for (const YAML::Node& item : node) result.items.push_back(read(item));
        break;
      case YAML::NodeType::Map:
        result.kind = YamlNode::Kind::map;
        for (const auto& entry : node) add_entry(result, entry.first, entry.second);
        break;
    }
    --depth_;
    return result;
  }

 private:
  std::string at(int line) const { return fmt::format("{}:{}", where_, line); }

  void add_entry(YamlNode& map, const YAML::Node& key, const YAML::Node& value) {
    const int line = key.Mark().line + 1;
    require(key.IsScalar(), at(line), "a key is no word");
    const bool twice =
        std::ranges::any_of(map.entries, [&](const auto& entry) { return entry.key == key.Scalar(); });
    require(!twice, at(line), "key '{}' stands twice", key.Scalar());
    map.entries.push_back({key.Scalar(), read(value)});
    map.entries.back().value.line = line;
  }

  const std::string& where_;
  int nodes_ = 0;
  int depth_ = 0;
};

void emit(YAML::Emitter& out, const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      out << YAML::Null;
      break;
    case YamlNode::Kind::scalar:
      out << node.scalar;
      break;
    case YamlNode::Kind::list:
      out << YAML::BeginSeq;
      for (const YamlNode& item : node.items) emit(out, item);
      out << YAML::EndSeq;
      break;
    case YamlNode::Kind::map:
      out << YAML::BeginMap;
      for (const auto& [key, value] : node.entries) {
        out << YAML::Key << key << YAML::Value;
        emit(out, value);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

const char* YamlNode::kind_name() const {
  switch (kind) {
    case Kind::scalar:
      return "a value";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::null:
      break;
  }
  return "nothing";
}

YamlNode YamlNode::of_scalar(std::string text) {
  return {.kind = Kind::scalar, .line = 0, .scalar = std::move(text), .items = {}, .entries = {}};
}

YamlNode YamlNode::of_list(std::vector<YamlNode> items) {
  return {.kind = Kind::list, .line = 0, .scalar = {}, .items = std::move(items), .entries = {}};
}

YamlNode YamlNode::of_map() {
  return {.kind = Kind::map, .line = 0, .scalar = {}, .items = {}, .entries = {}};
}

YamlNode parse_yaml(std::string_view text, const std::string& where) {
  try {
    return Reader(where).read(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    fail(fmt::format("{}:{}", where, error.mark.line + 1), "is no YAML: {}", error.msg);
  }
}

YamlNode read_yaml(const std::filesystem::path& file) { return parse_yaml(read_file(file), file.string()); }

std::string yaml_text(const YamlNode& node) {
  YAML::Emitter out;
  emit(out, node);
  return std::string(out.c_str()) + "\n";
}

}  // namespace artemis

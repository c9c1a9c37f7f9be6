#include "artemis/serve/argument_reader.h"

#include <vector>

#include "artemis/core/error.h"

namespace artemis {
namespace {

// Sets of JSON types.
constexpr unsigned text_type = 1;
constexpr unsigned null_type = 2;
constexpr unsigned bool_type = 4;
constexpr unsigned integer_type = 8;
constexpr unsigned fraction_type = 16;
constexpr unsigned list_type = 32;
constexpr unsigned object_type = 64;
constexpr unsigned every_type = 127;

unsigned type_named(std::string_view name) {
  if (name == "string") return text_type;
  if (name == "null") return null_type;
  if (name == "boolean") return bool_type;
  if (name == "integer") return integer_type;
  if (name == "number") return integer_type | fraction_type;
  if (name == "array") return list_type;
  if (name == "object") return object_type;
  return 0;
}

unsigned type_of(const Json& value) {
  if (value.is_string()) return text_type;
  if (value.is_null()) return null_type;
  if (value.is_boolean()) return bool_type;
  if (value.is_number_integer()) return integer_type;
  if (value.is_number_float()) return fraction_type;
  return value.is_array() ? list_type : object_type;
}

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// Where a schema's "$ref" leads; null: nowhere.
const Json* referred(const Json& root, const Json& schema) {
  const Json* reference = member(schema, "$ref");
  if (reference == nullptr || !reference->is_string()) return nullptr;
  const std::string& text = reference->get_ref<const std::string&>();
  if (!text.starts_with("#/")) return nullptr;
  try {
    return &root.at(Json::json_pointer(text.substr(1)));
  } catch (const Json::exception&) {
    return nullptr;
  }
}

// Reads which types a schema takes. Schemas come from requests: `steps` bounds those that lead to themselves.
class TypesOf {
 public:
  explicit TypesOf(const Json& root) : root_(root) {}

  unsigned operator()(const Json& schema) {
    if (!schema.is_object() || --steps_ < 0) return every_type;
    unsigned types = every_type;
    if (const Json* type = member(schema, "type")) types &= named(*type);
    if (const Json* values = member(schema, "enum"); values != nullptr && values->is_array()) {
      types &= of_each(*values, [](const Json& value) { return type_of(value); });
    }
    if (const Json* value = member(schema, "const")) types &= type_of(*value);
    for (const char* key : {"anyOf", "oneOf"}) {
      const Json* options = member(schema, key);
      if (options != nullptr && options->is_array()) {
        types &= of_each(*options, [this](const Json& option) { return (*this)(option); });
      }
    }
    if (const Json* parts = member(schema, "allOf"); parts != nullptr && parts->is_array()) {
      for (const Json& part : *parts) types &= (*this)(part);
    }
    if (const Json* target = referred(root_, schema)) types &= (*this)(*target);
    const Json* nullable = member(schema, "nullable");
    return nullable != nullptr && *nullable == Json(true) ? types | null_type : types;
  }

 private:
  static unsigned named(const Json& type) {
    if (type.is_string()) return type_named(type.get_ref<const std::string&>());
    if (!type.is_array()) return every_type;
    return of_each(type, [](const Json& one) {
      return one.is_string() ? type_named(one.get_ref<const std::string&>()) : 0;
    });
  }

  template <typename Types>
  static unsigned of_each(const Json& list, Types types_of) {
    unsigned types = 0;
    for (const Json& item : list) types |= types_of(item);
    return types;
  }

  const Json& root_;
  int steps_ = 1000;
};

// Gathers what the schema of all parameters, and those that its "$ref" and "allOf" lead to, say of one key.
void gather(const Json& root, const Json& schema, std::string_view key, int& steps,
            std::vector<const Json*>& found) {
  if (!schema.is_object() || --steps < 0) return;
  const Json* properties = member(schema, "properties");
  const Json* own = properties == nullptr ? nullptr : member(*properties, key);
  const Json* others = member(schema, "additionalProperties");
  if (own == nullptr && others != nullptr && others->is_object()) own = others;
  if (own != nullptr) found.push_back(own);
  if (const Json* parts = member(schema, "allOf"); parts != nullptr && parts->is_array()) {
    for (const Json& part : *parts) gather(root, part, key, steps, found);
  }
  if (const Json* target = referred(root, schema)) gather(root, *target, key, steps, found);
}

std::optional<Json> json_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return std::nullopt;  // a mark that this parser alone leaves out
  try {
    return parse_json(text, "value");
  } catch (const Error&) {
    return std::nullopt;
  }
}

// The types that the parameter `key` may have.
unsigned types_of(const Json& parameters, const std::string& key) {
  std::vector<const Json*> schemas;
  int steps = 64;
  gather(parameters, parameters, key, steps, schemas);
  if (schemas.empty()) return text_type;
  unsigned types = every_type;
  TypesOf types_of_schema(parameters);
  for (const Json* schema : schemas) types &= types_of_schema(*schema);
  return types;
}

// A JSON text without what may stand between its parts.
std::string without_space(std::string_view json) {
  std::string text;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    text += c;
    if (in_string && c == '\\') {
      text += json[++i];
    } else if (c == '"') {
      in_string = !in_string;
    }
  }
  return text;
}

}  // namespace

std::string json_text(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

ArgumentReader::ArgumentReader(const Json& tools, ToolChoice choice, std::string_view named) {
  for (const Json& tool : tools) {
    const Json* function = member(tool, "function");
    const Json* name = function == nullptr ? nullptr : member(*function, "name");
    const Json* parameters = function == nullptr ? nullptr : member(*function, "parameters");
    if (name == nullptr || !name->is_string() || parameters == nullptr) continue;
    const auto [found, added] = tools_.try_emplace(name->get<std::string>(), Tool{parameters});
    const Json* strict = member(*function, "strict");
    const bool held = choice == ToolChoice::named
                          ? *name == named
                          : choice == ToolChoice::required || (strict != nullptr && *strict == Json(true));
    if (!added || !held) continue;
    try {
      found->second.held.emplace(*parameters);
    } catch (const Error&) {  // it cannot be enforced, so it was not
    }
  }
}

std::string ArgumentReader::json(const std::string& tool, const std::string& key,
                                 std::string_view text) const {
  return is_json(tool, key, text) ? without_space(text) : json_text(text);
}

bool ArgumentReader::is_json(const std::string& tool, const std::string& key, std::string_view text) const {
  const auto found = tools_.find(tool);
  if (found == tools_.end()) return false;
  const auto& [parameters, held] = found->second;
  const unsigned types = types_of(*parameters, key);
  if (!held && (types & ~text_type) == 0) return false;
  const std::optional<Json> value = json_of(text);
  if (!value || (types & text_type) == 0) return value.has_value();
  const unsigned type = type_of(*value);
  if (type == text_type) return false;  // text in quotes stands for itself
  if (held) {
    try {
      return held->allow_json(key, without_space(text));
    } catch (const Error&) {  // it takes too long to tell
    }
  }
  return (types & type) != 0;
}

}  // namespace artemis

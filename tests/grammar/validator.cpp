#include "validator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "artemis/grammar/pattern.h"
#include "artemis/text/regex.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

std::size_t length_of(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) next_code_point(text, at);
  return count;
}

bool is_type(const Json& document, const std::string& type) {
  if (type == "integer") {
    return document.is_number_integer() ||
           (document.is_number() && document.get<double>() == std::floor(document.get<double>()));
  }
  if (type == "number") return document.is_number();
  return document.type_name() == type;
}

bool has_match(const std::string& text, const std::string& pattern) {
  // PCRE2's multi-line anchors are not JSON Schema's.
  std::string exact;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escaped = i > 0 && pattern[i - 1] == '\\';
    if (pattern[i] == '^' && (i == 0 || pattern[i - 1] == '|')) {
      exact += "\\A";
    } else if (pattern[i] == '$' && !escaped) {
      exact += "\\z";
    } else {
      exact += pattern[i];
    }
  }
  bool found = false;
  Regex(exact, "test").for_each_match(text, [&](TextRange) { found = true; });
  return found;
}

const Json& target_of(const Json& root, const std::string& reference) {
  std::string pointer = reference.substr(1);
  if (const std::size_t space = pointer.find("%20"); space != pointer.npos) pointer.replace(space, 3, " ");
  return root.at(Json::json_pointer(pointer));
}

bool fits_number(double value, const Json& schema) {
  return !(schema.contains("minimum") && value < schema["minimum"].get<double>()) &&
         !(schema.contains("maximum") && value > schema["maximum"].get<double>()) &&
         !(schema.contains("exclusiveMinimum") && value <= schema["exclusiveMinimum"].get<double>()) &&
         !(schema.contains("exclusiveMaximum") && value >= schema["exclusiveMaximum"].get<double>());
}

bool fits_string(const std::string& text, const Json& schema) {
  const std::size_t length = length_of(text);
  return length >= schema.value("minLength", std::size_t{0}) &&
         length <= schema.value("maxLength", text.size()) &&
         (!schema.contains("pattern") || has_match(text, schema["pattern"].get<std::string>())) &&
         (!schema.contains("format") || has_match(text, format_pattern(schema["format"].get<std::string>())));
}

bool fits_array(const Json& list, const Json& schema, const Json& root) {
  if (list.size() < schema.value("minItems", std::size_t{0})) return false;
  if (list.size() > schema.value("maxItems", list.size())) return false;
  const Json prefix = schema.value("prefixItems", Json::array());
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i < prefix.size()) {
      if (!fits_schema(list[i], prefix[i], root)) return false;
    } else if (schema.contains("items") && !fits_schema(list[i], schema["items"], root)) {
      return false;
    }
  }
  return true;
}

bool fits_object(const Json& object, const Json& schema, const Json& root) {
  if (object.size() < schema.value("minProperties", std::size_t{0})) return false;
  if (object.size() > schema.value("maxProperties", object.size())) return false;
  for (const Json& name : schema.value("required", Json::array())) {
    if (!object.contains(name.get<std::string>())) return false;
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, value] : object.items()) {
    if (properties.contains(key)) {
      if (!fits_schema(value, properties[key], root)) return false;
    } else if (schema.contains("additionalProperties") &&
               !fits_schema(value, schema["additionalProperties"], root)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool fits_schema(const Json& document, const Json& schema, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  const auto fits = [&](const Json& part) { return fits_schema(document, part, root); };
  if (schema.contains("$ref") && !fits(target_of(root, schema["$ref"].get<std::string>()))) return false;
  if (schema.contains("allOf") && !std::ranges::all_of(schema["allOf"], fits)) return false;
  if (schema.contains("anyOf") && std::ranges::none_of(schema["anyOf"], fits)) return false;
  if (schema.contains("oneOf") && std::ranges::count_if(schema["oneOf"], fits) != 1) return false;
  if (schema.contains("const") && document != schema["const"]) return false;
  if (schema.contains("enum") && std::ranges::find(schema["enum"], document) == schema["enum"].end())
    return false;
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (std::ranges::none_of(types,
                             [&](const Json& type) { return is_type(document, type.get<std::string>()); })) {
      return false;
    }
  }
  if (document.is_number()) return fits_number(document.get<double>(), schema);
  if (document.is_string()) return fits_string(document.get<std::string>(), schema);
  if (document.is_array()) return fits_array(document, schema, root);
  return !document.is_object() || fits_object(document, schema, root);
}

}  // namespace artemis

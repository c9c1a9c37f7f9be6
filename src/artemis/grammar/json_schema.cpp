#include "artemis/grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "artemis/grammar/pattern.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

// Of one anyOf: all may be open at once, and each token is looked at for every one.
constexpr std::size_t most_choices = 256;

// The keywords that bind values of a type.
struct TypeKeywords {
  std::string_view type;
  std::set<std::string_view> keywords;
};

const std::vector<TypeKeywords>& keywords_by_type() {
  static const std::vector<TypeKeywords> table{
      {"object", {"properties", "required", "additionalProperties", "minProperties", "maxProperties"}},
      {"array", {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}},
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}},
  };
  return table;
}

bool is_known(std::string_view key) {
  static const std::set<std::string_view> others{"type",  "enum",  "const", "anyOf",
                                                 "oneOf", "allOf", "$ref",  "nullable"};
  return is_annotation(key) || others.contains(key) ||
         std::ranges::any_of(keywords_by_type(),
                             [&](const auto& entry) { return entry.keywords.contains(key); });
}

bool is_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "number" || value.is_number_integer()) return value.is_number();
  // 1.0 is a whole number too.
  return value.is_number_float() && std::nearbyint(value.get<double>()) == value.get<double>();
}

bool is_nullable(const SchemaPlace& schema) {
  const Json* nullable = schema.find("nullable");
  if (nullable == nullptr) return false;
  if (!nullable->is_boolean())
    schema.refuse("'nullable' is {}, expected true or false", nullable->type_name());
  return nullable->get<bool>();
}

}  // namespace

std::string json_quoted(const std::string& text, TextStyle style, const SchemaPlace& place) {
  if (!is_utf8(text)) place.refuse("holds a string that is no UTF-8");
  const std::string quoted = Json(text).dump();
  if (style != TextStyle::json_call) return quoted;
  std::string escaped;
  for (const char c : quoted) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

GrammarBuilder::Rule SchemaCompiler::rule(const SchemaPlace& schema, Form form) {
  const auto [found, added] = rules_[form].try_emplace(schema.json, 0);
  if (added) {
    found->second = builder_.declare();
    open_.push_back({found->second, schema, form});
  }
  return found->second;
}

void SchemaCompiler::finish() {
  while (!open_.empty()) {
    const Open next = std::move(open_.back());
    open_.pop_back();
    builder_.define(next.rule, [&](Node end) { return define(next.schema, next.form, end); });
  }
}

Node SchemaCompiler::any(const std::optional<SchemaPlace>& schema, Node next) {
  return schema ? value(*schema, next) : json_.value(next);
}

Node SchemaCompiler::define(const SchemaPlace& schema, Form form, Node next) {
  const auto closed = [&] { return form == call_form ? builder_.literal(parameter_end, next) : next; };
  if (schema.json->is_boolean()) {
    if (!schema.json->get<bool>()) return builder_.split({});
    return form == call_form ? free_text(next) : json_.value(next);
  }
  if (!schema.json->is_object()) schema.refuse("is {}, expected a schema", schema.json->type_name());
  refuse_unknown(schema);
  if (schema.json->contains("$ref") || schema.json->contains("allOf")) {
    return builder_.call(rule(document_.all_of({schema}, schema.pointer), form), next);
  }
  if (schema.json->contains("anyOf") || schema.json->contains("oneOf")) return any_of(schema, form, next);
  if (schema.json->contains("enum") || schema.json->contains("const"))
    return one_of_values(schema, form, next);
  std::vector<Node> branches;
  for (const std::string& type : types(schema)) {
    branches.push_back(type == "string" ? string(schema, form, next) : of_type(type, schema, closed()));
  }
  return builder_.split(branches);
}

void SchemaCompiler::refuse_unknown(const SchemaPlace& schema) {
  for (const auto& [key, unused] : schema.json->items()) {
    if (!is_known(key)) schema.refuse("keyword '{}' cannot be enforced", key);
  }
}

// Each choice together with what stands beside the list.
Node SchemaCompiler::any_of(const SchemaPlace& schema, Form form, Node next) {
  const char* key = schema.json->contains("anyOf") ? "anyOf" : "oneOf";
  if (key == std::string_view("anyOf") && schema.json->contains("oneOf")) {
    schema.refuse("'anyOf' and 'oneOf' together cannot be enforced");
  }
  const SchemaPlace list = schema.at(key);
  if (!list.json->is_array() || list.json->empty()) list.refuse("is no list of schemas");
  if (list.json->size() > most_choices) {
    list.refuse("has {} schemas, expected at most {}", list.json->size(), most_choices);
  }
  const SchemaPlace beside = document_.without(schema, {key, "nullable"});
  std::vector<Node> branches;
  for (std::size_t i = 0; i < list.json->size(); ++i) {
    const SchemaPlace choice = list.at(i);
    const SchemaPlace joined =
        beside.json->empty() ? choice : document_.all_of({beside, choice}, choice.pointer);
    branches.push_back(builder_.call(rule(joined, form), next));
  }
  if (is_nullable(schema)) {
    branches.push_back(json_.null(form == call_form ? builder_.literal(parameter_end, next) : next));
  }
  return builder_.split(branches);
}

std::vector<std::string> SchemaCompiler::types(const SchemaPlace& schema) const {
  static constexpr std::array all{"object", "array", "string", "number", "integer", "boolean", "null"};
  std::vector<std::string> types;
  if (const Json* type = schema.find("type")) {
    for (const Json& one : type->is_array() ? *type : Json::array({*type})) {
      if (!one.is_string() || std::ranges::find(all, one.get_ref<const std::string&>()) == all.end()) {
        schema.refuse(
            "'type' is not one of object, array, string, number, integer, boolean, null, or a list of them");
      }
      const auto& name = one.get_ref<const std::string&>();
      if (std::ranges::find(types, name) == types.end()) types.push_back(name);
    }
  } else {
    for (const auto& [name, keywords] : keywords_by_type()) {
      for (const auto& [key, unused] : schema.json->items()) {
        if (keywords.contains(key)) {
          types.emplace_back(name);
          break;
        }
      }
    }
    if (types.empty()) types = {"object", "array", "string", "number", "boolean", "null"};
  }
  if (std::ranges::find(types, "number") != types.end()) std::erase(types, "integer");
  if (is_nullable(schema) && std::ranges::find(types, "null") == types.end()) types.emplace_back("null");
  return types;
}

Node SchemaCompiler::of_type(const std::string& type, const SchemaPlace& schema, Node next) {
  if (type == "object") return object(schema, next);
  if (type == "array") return array(schema, next);
  if (type == "boolean") return json_.boolean(next);
  if (type == "null") return json_.null(next);
  return number(schema, type == "integer", next);
}

Node SchemaCompiler::one_of_values(const SchemaPlace& schema, Form form, Node next) {
  if (form == call_form) next = builder_.literal(parameter_end, next);
  std::vector<const Json*> values;
  if (const Json* one = schema.find("const")) values.push_back(one);
  if (const Json* list = schema.find("enum")) {
    if (!list->is_array()) schema.refuse("'enum' is {}, expected a list", list->type_name());
    if (values.empty()) {
      for (const Json& value : *list) values.push_back(&value);
    } else if (std::ranges::find(*list, *values.front()) == list->end()) {
      values.clear();
    }
  }
  const std::vector<std::string> wanted = types(schema);
  for (const auto& [name, keywords] : keywords_by_type()) {
    for (const auto& [key, unused] : schema.json->items()) {
      if (keywords.contains(key)) schema.refuse("'{}' beside 'enum' or 'const' cannot be enforced", key);
    }
  }
  std::vector<std::string> plain;
  std::vector<Node> branches;
  for (const Json* value : values) {
    if (std::ranges::none_of(wanted, [&](const std::string& type) { return is_type(*value, type); }))
      continue;
    if (value->is_structured()) {
      branches.push_back(exactly(*value, schema, next));
    } else {
      const bool bare = value->is_string() && form == call_form;
      if (bare && value->get_ref<const std::string&>().find(parameter_end.substr(1)) != std::string::npos) {
        schema.refuse("holds the text '{}', which ends a parameter", parameter_end.substr(1));
      }
      plain.push_back(bare                 ? value->get<std::string>()
                      : value->is_string() ? json_quoted(value->get<std::string>(), json_.style(), schema)
                                           : value->dump());
    }
  }
  // A null that is allowed beside the list.
  if (is_nullable(schema)) plain.emplace_back("null");
  if (!plain.empty()) branches.push_back(builder_.one_of(std::move(plain), next));
  return builder_.split(branches);
}

// The value itself, with white space; as deep as the document may be.
Node SchemaCompiler::exactly(const Json& value, const SchemaPlace& place, Node next) {
  if (value.is_string())
    return builder_.literal(json_quoted(value.get<std::string>(), json_.style(), place), next);
  if (!value.is_structured()) return builder_.literal(value.dump(), next);
  Node node = builder_.byte(value.is_array() ? ']' : '}', next);
  if (!value.empty()) node = json_.gap(node);
  for (std::size_t i = value.size(); i > 0; --i) {
    if (value.is_array()) {
      node = exactly(value[i - 1], place, node);
    } else {
      const auto& [key, member] =
          *(value.get_ref<const Json::object_t&>().begin() + static_cast<std::ptrdiff_t>(i - 1));
      node = json_.key(json_quoted(key, json_.style(), place), exactly(member, place, node));
    }
    node = json_.gap(node);
    if (i > 1) node = builder_.byte(',', node);
  }
  return builder_.byte(value.is_array() ? '[' : '{', value.empty() ? json_.gap(node) : node);
}

std::shared_ptr<const Grammar> json_schema_grammar(const Json& schema) {
  GrammarBuilder builder;
  JsonText json(builder);
  SchemaCompiler compiler(builder, json, schema, "#");
  const GrammarBuilder::Rule root = compiler.rule(compiler.document().root());
  compiler.finish();
  std::shared_ptr<const Grammar> grammar = builder.finish(root);
  if (grammar == nullptr) compiler.document().root().refuse("no value fits it");
  return grammar;
}

}  // namespace artemis

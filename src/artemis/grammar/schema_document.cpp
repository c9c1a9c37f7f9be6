#include "artemis/grammar/schema_document.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr int max_hops = 64;              // of references and allOf in each other
constexpr std::size_t max_keywords = 64;  // of one schema that is joined

// How many values a JSON text has, and how deep they lie, up to these bounds; nothing recurses.
struct Extent {
  std::size_t values = 0;
  int depth = 0;
};

Extent extent_of(const Json& json, std::size_t most, int deepest) {
  Extent extent;
  std::vector<std::pair<const Json*, int>> open{{&json, 1}};
  while (!open.empty() && extent.values <= most && extent.depth <= deepest) {
    const auto [value, depth] = open.back();
    open.pop_back();
    ++extent.values;
    extent.depth = std::max(extent.depth, depth);
    if (value->is_structured()) {
      for (const Json& inner : *value) open.emplace_back(&inner, depth + 1);
    }
  }
  return extent;
}

// A part of a pointer as a key; %XX first, as the pointer is a fragment.
std::string unescaped(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    unsigned value = 0;
    if (part[i] == '%' && i + 2 < part.size() &&
        std::from_chars(part.data() + i + 1, part.data() + i + 3, value, 16).ptr == part.data() + i + 3) {
      text += static_cast<char>(static_cast<unsigned char>(value));
      i += 2;
    } else {
      text += part[i];
    }
  }
  std::string key;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      key += text[++i] == '0' ? '~' : '/';
    } else {
      key += text[i];
    }
  }
  return key;
}

Json both(const Json& a, const Json& b) {
  if (a == b || b == Json(true)) return a;
  if (a == Json(true)) return b;
  return {{"allOf", Json::array({a, b})}};
}

Json list_of(const Json& value) { return value.is_array() ? value : Json::array({value}); }

bool has(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Lists of names and values may be long.
std::set<std::string> texts_of(const Json& list) {
  std::set<std::string> texts;
  for (const Json& value : list) texts.insert(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  return texts;
}

// Those of `b` that stand in `a` or, for `in` false, do not.
Json of_second(const Json& a, const Json& b, bool in) {
  const std::set<std::string> texts = texts_of(a);
  Json result = Json::array();
  for (const Json& value : b) {
    if (texts.contains(value.dump(-1, ' ', false, Json::error_handler_t::replace)) == in)
      result.push_back(value);
  }
  return result;
}

using Members = std::unordered_map<std::string_view, const Json*>;

Members members_of(const Json& object) {
  Members members;
  if (!object.is_object()) return members;
  for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) members.emplace(key, &value);
  return members;
}

// A new last member. The key must be new; push_back() would look for it.
void append(Json& object, const std::string& key, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
}

bool is_true(const Json& schema, const char* key) {
  const auto found = schema.find(key);
  return found != schema.end() && *found == Json(true);
}

// Whether a schema that `nullable` does not widen says that null is wrong.
bool forbids_null(const Json& schema) {
  if (is_true(schema, "nullable")) return false;
  const auto type = schema.find("type");
  if (type != schema.end() && !has(list_of(*type), "null")) return true;
  const auto list = schema.find("enum");
  if (list != schema.end() && !has(list_of(*list), Json())) return true;
  const auto value = schema.find("const");
  return value != schema.end() && !value->is_null();
}

// Whether it is said of whatever stands beside it: {"allOf": [...], "nullable": true}.
bool is_bare_nullable(const Json& schema) {
  return is_true(schema, "nullable") && !schema.contains("type") && !schema.contains("enum") &&
         !schema.contains("const");
}

Json join_types(const Json& a, const Json& b) {
  const Json list_a = list_of(a);
  const Json list_b = list_of(b);
  Json result = Json::array();
  for (const Json& type : list_a) {
    if (has(list_b, type) || (type == "integer" && has(list_b, "number"))) result.push_back(type);
  }
  for (const Json& type : list_b) {
    if (type == "integer" && has(list_a, "number") && !has(list_a, type)) result.push_back(type);
  }
  return result;
}

// The properties of `all` as `all` and `more` together have them: a property that the other schema does not
// name is an additional one there.
void join_properties(Json& all, const Json& more) {
  const auto part = [](const Json& schema, const char* key) -> Json {
    const auto found = schema.find(key);
    return found == schema.end() ? Json() : *found;
  };
  const Json ours = part(all, "properties");
  const Json theirs = part(more, "properties");
  const Json our_rest = part(all, "additionalProperties");
  const Json their_rest = part(more, "additionalProperties");
  const Members our_members = members_of(ours);
  const Members their_members = members_of(theirs);
  Json joined = Json::object();
  const auto add = [&](const std::string& key, const Json& schema, const Members& others, const Json& rest) {
    if (const auto other = others.find(key); other != others.end()) {
      append(joined, key, both(schema, *other->second));
    } else if (rest.is_null() || rest == Json(true)) {
      append(joined, key, schema);
    } else {
      append(joined, key, rest == Json(false) ? rest : both(schema, rest));
    }
  };
  if (ours.is_object()) {
    for (const auto& [key, schema] : ours.items()) add(key, schema, their_members, their_rest);
  }
  if (theirs.is_object()) {
    for (const auto& [key, schema] : theirs.items()) {
      if (!our_members.contains(key)) add(key, schema, our_members, our_rest);
    }
  }
  if (!joined.empty()) all["properties"] = joined;
  if (our_rest == Json(false) || their_rest == Json(false)) {
    all["additionalProperties"] = false;
  } else if (our_rest.is_null() || their_rest.is_null()) {
    if (!their_rest.is_null()) all["additionalProperties"] = their_rest;
  } else {
    all["additionalProperties"] = both(our_rest, their_rest);
  }
}

}  // namespace

std::string escaped_pointer(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

const Json* SchemaPlace::find(const char* key) const {
  const auto found = json->find(key);
  return found == json->end() ? nullptr : &*found;
}

SchemaPlace SchemaPlace::at(std::string_view key) const {
  return {&(*json)[std::string(key)], pointer + "/" + escaped_pointer(key)};
}

SchemaPlace SchemaPlace::at(std::size_t index) const {
  return {&(*json)[index], fmt::format("{}/{}", pointer, index)};
}

std::string SchemaPlace::where() const { return "schema " + pointer; }

void SchemaPlace::fail_at(const std::string& message) const { throw Error(where(), message); }

bool is_annotation(std::string_view key) {
  static const std::set<std::string_view> keys{"title",
                                               "description",
                                               "default",
                                               "examples",
                                               "example",
                                               "$comment",
                                               "$schema",
                                               "$id",
                                               "$defs",
                                               "definitions",
                                               "readOnly",
                                               "writeOnly",
                                               "deprecated",
                                               "contentEncoding",
                                               "contentMediaType",
                                               "id",
                                               "$anchor",
                                               "externalDocs",
                                               "xml",
                                               "discriminator"};
  return keys.contains(key) || key.starts_with("x-");
}

SchemaDocument::SchemaDocument(const Json& root, std::string pointer)
    : root_(root), pointer_(std::move(pointer)) {
  const Extent extent = extent_of(root, max_values, max_depth);
  if (extent.depth > max_depth) this->root().refuse("nested deeper than {}", max_depth);
  if (extent.values > max_values) this->root().refuse("more than {} values", max_values);
}

const Json* SchemaDocument::member(const Json& object, const std::string& key) {
  const auto [found, added] = members_.try_emplace(&object);
  if (added) found->second = members_of(object);
  const auto it = found->second.find(key);
  return it == found->second.end() ? nullptr : it->second;
}

SchemaPlace SchemaDocument::resolve(const SchemaPlace& place, const std::string& reference) {
  if (!reference.starts_with('#'))
    place.refuse("'$ref' to '{}', expected one within the schema ('#/...')", reference);
  std::string_view rest = std::string_view(reference).substr(1);
  if (!rest.empty() && rest[0] != '/')
    place.refuse("'$ref' to the anchor '{}', expected a JSON pointer", reference);
  SchemaPlace found{&root_, pointer_ + std::string(rest)};
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string key = unescaped(rest.substr(1, end - 1));
    rest = rest.substr(end);
    const Json* next = nullptr;
    if (found.json->is_object()) {
      next = member(*found.json, key);
    } else if (found.json->is_array()) {
      std::size_t index = 0;
      const auto [last, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error == std::errc() && last == key.data() + key.size() && index < found.json->size()) {
        next = &(*found.json)[index];
      }
    }
    if (next == nullptr) place.refuse("'$ref' to '{}', which is not there", reference);
    found.json = next;
  }
  return found;
}

SchemaPlace SchemaDocument::keep(Json json, const std::string& pointer) {
  const Extent extent = extent_of(json, max_merged, max_depth);
  merged_ += extent.values;
  const SchemaPlace place{nullptr, pointer};
  if (extent.depth > max_depth) place.refuse("nested deeper than {} when joined", max_depth);
  if (merged_ > max_merged) place.refuse("joined schemas with more than {} values", max_merged);
  const auto [found, added] =
      kept_by_text_.try_emplace(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (added) found->second = &kept_.emplace_back(std::move(json));
  return {found->second, pointer};
}

SchemaPlace SchemaDocument::all_of(const std::vector<SchemaPlace>& schemas, const std::string& pointer) {
  Json all = true;
  for (const SchemaPlace& schema : schemas) join(all, schema, 0);
  return keep(std::move(all), pointer);
}

SchemaPlace SchemaDocument::without(const SchemaPlace& place, std::initializer_list<std::string_view> keys) {
  Json rest = Json::object();
  for (const auto& [key, value] : place.json->items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end() && !is_annotation(key))
      append(rest, key, value);
  }
  return keep(std::move(rest), place.pointer);
}

void SchemaDocument::join(Json& all, const SchemaPlace& place, int depth) {
  if (depth > max_hops) place.refuse("more than {} '$ref' and 'allOf' in each other", max_hops);
  if (all == Json(false) || *place.json == Json(true)) return;
  if (*place.json == Json(false)) {
    all = false;
    return;
  }
  if (!place.json->is_object()) place.refuse("is {}, expected a schema", place.json->type_name());
  if (const auto reference = place.json->find("$ref"); reference != place.json->end()) {
    if (!reference->is_string()) place.refuse("'$ref' is {}, expected a string", reference->type_name());
    join(all, resolve(place, reference->get_ref<const std::string&>()), depth + 1);
  }
  if (const auto parts = place.json->find("allOf"); parts != place.json->end()) {
    if (!parts->is_array() || parts->empty()) place.refuse("'allOf' is no list of schemas");
    for (std::size_t i = 0; i < parts->size(); ++i) join(all, place.at("allOf").at(i), depth + 1);
  }
  if (all == Json(false)) return;
  Json own = Json::object();
  for (const auto& [key, value] : place.json->items()) {
    if (key != "$ref" && key != "allOf" && !is_annotation(key)) append(own, key, value);
  }
  if (own.size() > max_keywords) place.refuse("more than {} keywords", max_keywords);
  merged_ += extent_of(own, max_merged, max_depth).values;
  if (all.is_object()) merged_ += extent_of(all, max_merged, std::numeric_limits<int>::max()).values;
  if (merged_ > max_merged) place.refuse("joined schemas with more than {} values", max_merged);
  if (all == Json(true)) {
    all = std::move(own);
  } else {
    join_keys(all, own, place);
  }
}

void SchemaDocument::join_keys(Json& all, const Json& more, const SchemaPlace& place) {
  // `items` of the one would bind the first items of the other too.
  const auto lists_first = [](const Json& a, const Json& b) {
    return a.contains("prefixItems") && !b.contains("prefixItems") && b.contains("items");
  };
  if (lists_first(all, more) || lists_first(more, all)) {
    place.refuse("'prefixItems' and another schema's 'items' cannot be joined");
  }
  const bool nullable =
      is_bare_nullable(all) || is_bare_nullable(more) ||
      (!forbids_null(all) && !forbids_null(more) && (is_true(all, "nullable") || is_true(more, "nullable")));
  join_properties(all, more);
  // A list of values, of which `const` is one.
  if (all.contains("const") && more.contains("enum")) {
    all["enum"] = Json::array({all["const"]});
    all.erase("const");
  }
  for (const auto& [key, value] : more.items()) {
    if (key == "properties" || key == "additionalProperties" || (key == "nullable" && value.is_boolean()))
      continue;
    if (key == "const" && all.contains("enum")) {
      all["enum"] = has(all["enum"], value) ? Json::array({value}) : Json::array();
      continue;
    }
    if (!all.contains(key)) {
      all[key] = value;
      continue;
    }
    Json& ours = all[key];
    if (ours == value) continue;
    if (key == "type") {
      ours = join_types(ours, value);
    } else if (key == "required" && ours.is_array() && value.is_array()) {
      for (const Json& name : of_second(ours, value, false)) ours.push_back(name);
    } else if (key == "enum" && ours.is_array() && value.is_array()) {
      ours = of_second(value, ours, true);
    } else if (key == "const") {
      all["enum"] = Json::array();
    } else if (key == "items") {
      ours = both(ours, value);
    } else if (key == "uniqueItems") {
      ours = true;
    } else if (key.starts_with("min") || key == "exclusiveMinimum") {
      if (value.is_number() && ours.is_number() && value > ours) ours = value;
    } else if ((key.starts_with("max") || key == "exclusiveMaximum") && value.is_number() &&
               ours.is_number()) {
      if (value < ours) ours = value;
    } else {
      place.refuse("'{}' stands in two schemas that hold together, which cannot be joined", key);
    }
  }
  if (nullable) {
    all["nullable"] = true;
  } else if (is_true(all, "nullable")) {
    all.erase("nullable");
  }
}

}  // namespace artemis

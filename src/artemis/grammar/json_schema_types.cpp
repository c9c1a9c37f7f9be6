// Strings, numbers, arrays and objects of a schema.
#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/grammar/json_schema.h"
#include "artemis/grammar/pattern.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

constexpr std::uint32_t max_count = 1 << 30;

// A keyword that counts: an integer from 0 up (2.0 is one).
std::uint32_t count_or(const SchemaPlace& schema, const char* key, std::uint32_t fallback) {
  const Json* found = schema.find(key);
  if (found == nullptr) return fallback;
  const double value = found->is_number() ? found->get<double>() : -1;
  if (!(value >= 0 && value <= max_count) ||
      value != static_cast<double>(static_cast<std::uint32_t>(value))) {
    schema.refuse("'{}' is {}, expected an integer from 0 to {}", key, found->dump(), max_count);
  }
  return static_cast<std::uint32_t>(value);
}

std::optional<std::string> text_of(const SchemaPlace& schema, const char* key) {
  const Json* found = schema.find(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) schema.refuse("'{}' is {}, expected a string", key, found->type_name());
  return found->get<std::string>();
}

std::optional<Decimal> decimal_of(const SchemaPlace& schema, const char* key) {
  const Json* found = schema.find(key);
  if (found == nullptr) return std::nullopt;
  const auto value = found->is_number() ? Decimal::parse(found->dump()) : std::nullopt;
  if (!value) {
    schema.refuse("'{}' is {}, expected a number of at most 40 digits before and behind the point", key,
                  found->dump());
  }
  return value;
}

}  // namespace

// A text that may be anything, up to the tag that ends it: the beginning of the tag is followed in rules of
// their own, which call each other last, as a text that leaves the tag begins anew.
Node SchemaCompiler::free_text(Node next) {
  GrammarBuilder& b = builder_;
  if (!free_text_) {
    const std::string_view tag = parameter_end.substr(1);
    std::vector<Rule> rules;
    for (std::size_t i = 0; i < tag.size(); ++i) rules.push_back(b.declare());
    const CodePoints all{{'\t', '\n'}, {'\r', '\r'}, {' ', CodePoints::largest}};
    for (std::size_t i = 0; i < tag.size(); ++i) {  // behind i bytes of it
      b.define(rules[i], [&](Node end) {
        CodePoints stray{{'<', '<'}};
        std::vector<Node> branches{b.literal(parameter_end, end), b.byte('<', b.call(rules[1], end))};
        if (i > 0) {
          const auto wanted = static_cast<unsigned char>(tag[i]);
          stray.add(wanted, wanted);
          if (i + 1 < tag.size()) branches.push_back(b.byte(tag[i], b.call(rules[i + 1], end)));
        }
        branches.push_back(character(b, all.without(stray), TextStyle::plain, b.call(rules[0], end)));
        return b.split(branches);
      });
    }
    free_text_ = rules[0];
  }
  return b.call(*free_text_, next);
}

Node SchemaCompiler::string(const SchemaPlace& schema, Form form, Node next) {
  const bool bound = schema.find("minLength") != nullptr || schema.find("maxLength") != nullptr ||
                     schema.find("pattern") != nullptr || schema.find("format") != nullptr;
  if (form == call_form) {
    return bound ? text(schema, TextStyle::plain, builder_.literal(parameter_end, next)) : free_text(next);
  }
  if (!bound) return json_.string(next);
  return builder_.byte('"', text(schema, json_.style(), builder_.byte('"', next)));
}

Node SchemaCompiler::text(const SchemaPlace& schema, TextStyle style, Node next) {
  const std::uint32_t min = count_or(schema, "minLength", 0);
  const std::uint32_t max = count_or(schema, "maxLength", Grammar::unlimited);
  const auto pattern = text_of(schema, "pattern");
  const auto format = text_of(schema, "format");
  if (min > max) return builder_.split({});
  if (!pattern && !format && style != TextStyle::plain) return json_.characters(min, max, next);
  if (!pattern && !format) {
    const CodePoints all{{'\t', '\n'}, {'\r', '\r'}, {' ', '<' - 1}, {'<' + 1, CodePoints::largest}};
    return builder_.repeat(
        min, max, [&](Node behind) { return character(builder_, all, style, behind); }, next);
  }
  if (pattern && format) schema.refuse("'pattern' and 'format' together cannot be enforced");
  if (format && format_pattern(*format).empty()) schema.refuse("format '{}' cannot be enforced", *format);
  const Pattern parsed(pattern ? *pattern : format_pattern(*format), schema.where());
  if (parsed.min_length() < min || parsed.max_length() > max) {
    schema.refuse(
        "'{}' allows from {} to {} characters, which cannot be joined with 'minLength' and 'maxLength'",
        pattern ? "pattern" : "format", parsed.min_length(),
        parsed.max_length() == Grammar::unlimited ? "any number of" : std::to_string(parsed.max_length()));
  }
  return parsed.text(builder_, style, next);
}

Node SchemaCompiler::number(const SchemaPlace& schema, bool integer, Node next) {
  if (const auto step = decimal_of(schema, "multipleOf");
      step && !(integer && step->whole == "1" && step->fraction.empty() && !step->negative)) {
    schema.refuse("'multipleOf' cannot be enforced");
  }
  NumberRange range;
  const auto tighten = [&](const char* key, bool exclusive, std::optional<NumberRange::Bound>& bound,
                           int side) {
    const auto value = decimal_of(schema, key);
    if (!value) return;
    const int order = bound ? side * compare(*value, bound->value) : 1;
    if (order > 0 || (order == 0 && exclusive)) bound = NumberRange::Bound{*value, exclusive};
  };
  tighten("minimum", false, range.min, 1);
  tighten("exclusiveMinimum", true, range.min, 1);
  tighten("maximum", false, range.max, -1);
  tighten("exclusiveMaximum", true, range.max, -1);
  if (!range.min && !range.max) return integer ? json_.integer(next) : json_.number(next);
  return number_in_range(builder_, range, integer, next);
}

Node SchemaCompiler::array(const SchemaPlace& schema, Node next) {
  GrammarBuilder& b = builder_;
  if (const Json* unique = schema.find("uniqueItems"); unique != nullptr && *unique != Json(false)) {
    schema.refuse("'uniqueItems' cannot be enforced");
  }
  // A list of schemas under `items` is what older drafts call prefixItems.
  const Json* items = schema.find("items");
  const char* prefix_key = items != nullptr && items->is_array() ? "items" : "prefixItems";
  std::vector<SchemaPlace> prefix;
  if (const Json* list = schema.find(prefix_key)) {
    if (!list->is_array()) schema.refuse("'{}' is {}, expected a list", prefix_key, list->type_name());
    for (std::size_t i = 0; i < list->size(); ++i) prefix.push_back(schema.at(prefix_key).at(i));
  }
  const auto first = static_cast<std::uint32_t>(prefix.size());
  const std::uint32_t min = count_or(schema, "minItems", 0);
  std::uint32_t max = count_or(schema, "maxItems", Grammar::unlimited);
  std::optional<SchemaPlace> rest;
  if (items != nullptr && !items->is_array()) {
    rest = schema.at("items");
    if (*items == Json(false)) max = std::min(max, first);
  } else if (first > 0 && min <= first) {
    max = std::min(max, first);  // as with properties: nothing that the schema does not tell of
  }
  if (min > max) return b.split({});
  const auto item = [&](Node behind) { return any(rest, behind); };
  if (prefix.empty()) return json_.list('[', ']', min, max, item, next);
  prefix.resize(std::min(first, max));
  // From behind: what may follow when i items stand there.
  const Node close = b.byte(']', next);
  const auto count = static_cast<std::uint32_t>(prefix.size());
  const auto further = [&](Node behind) { return b.byte(',', json_.gap(item(behind))); };
  Node node = b.repeat(min > count ? min - count : 0, max == Grammar::unlimited ? max : max - count, further,
                       json_.gap(close));
  for (std::uint32_t i = count; i > 0; --i) {
    node = value(prefix[i - 1], node);
    if (i > 1) node = b.byte(',', json_.gap(node));
    if (min < i) node = b.split({node, i > 1 ? json_.gap(close) : close});
  }
  return b.byte('[', count == 0 ? json_.gap(close) : json_.gap(node));
}

std::vector<SchemaCompiler::Member> SchemaCompiler::members(const SchemaPlace& schema) {
  std::vector<Member> members;
  std::map<std::string_view, std::size_t> places;
  if (const Json* properties = schema.find("properties")) {
    if (!properties->is_object())
      schema.refuse("'properties' is {}, expected an object", properties->type_name());
    const SchemaPlace all{properties, schema.pointer + "/properties"};
    members.reserve(properties->size());
    for (const auto& [key, value] : properties->get_ref<const Json::object_t&>()) {
      if (!places.emplace(key, members.size()).second) schema.refuse("property '{}' stands twice", key);
      members.push_back({key, SchemaPlace{&value, all.pointer + "/" + escaped_pointer(key)}, false});
    }
  }
  if (const Json* required = schema.find("required")) {
    if (!required->is_array()) schema.refuse("'required' is {}, expected a list", required->type_name());
    const Json* others = schema.find("additionalProperties");
    for (const Json& name : *required) {
      if (!name.is_string()) schema.refuse("'required' holds {}, expected strings", name.type_name());
      const auto& key = name.get_ref<const std::string&>();
      if (const auto found = places.find(key); found != places.end()) {
        members[found->second].required = true;
        continue;
      }
      places.emplace(key, members.size());
      members.push_back(
          {key, others == nullptr ? std::nullopt : std::optional(schema.at("additionalProperties")), true});
    }
  }
  return members;
}

std::vector<SchemaCompiler::Member> SchemaCompiler::parameters() {
  const SchemaPlace root = document_.root();
  const SchemaPlace schema = document_.all_of({root}, root.pointer);
  if (!schema.json->is_object()) return {};
  refuse_unknown(schema);
  for (const char* key : {"anyOf", "oneOf", "enum", "const", "minProperties", "maxProperties"}) {
    if (schema.find(key) != nullptr) root.refuse("'{}' of all parameters cannot be enforced", key);
  }
  const std::vector<std::string> allowed = types(schema);
  if (std::ranges::find(allowed, "object") == allowed.end()) root.refuse("'type' does not allow an object");
  return members(schema);
}

Node SchemaCompiler::object(const SchemaPlace& schema, Node next) {
  GrammarBuilder& b = builder_;
  const std::vector<Member> members = this->members(schema);
  const Json* additional = schema.find("additionalProperties");
  const bool open = additional == nullptr ? members.empty() && !schema.json->contains("properties")
                                          : *additional != Json(false);
  const std::optional<SchemaPlace> other =
      additional == nullptr ? std::nullopt : std::optional(schema.at("additionalProperties"));
  if (members.empty() && open) return map(schema, other, next);

  const auto required =
      static_cast<std::uint32_t>(std::ranges::count_if(members, [](const Member& m) { return m.required; }));
  if (count_or(schema, "minProperties", 0) > required) {
    schema.refuse("'minProperties' over the number of required properties cannot be enforced");
  }
  const std::uint32_t most = count_or(schema, "maxProperties", Grammar::unlimited);
  if (most < members.size() || (open && most != Grammar::unlimited)) {
    schema.refuse("'maxProperties' beside 'properties' cannot be enforced");
  }

  std::vector<std::string> keys;
  for (const Member& member : members) keys.push_back(json_quoted(member.key, json_.style(), schema));
  const Node close = b.byte('}', next);
  const Node end = json_.gap(close);
  // From behind: `members_from`, the members from the i-th on, where at least one comes; `behind`, what
  // follows a member when those before the i-th are done with.
  Node members_from = b.split({});
  Node behind = end;
  if (open) {
    const auto extra = [&](Node after) {
      return b.byte('"', other_key(b, keys, b.byte(':', json_.space(any(other, after)))));
    };
    behind = b.repeat(
        0, Grammar::unlimited, [&](Node after) { return b.byte(',', json_.gap(extra(after))); }, end);
    members_from = extra(behind);
  }
  bool may_close = true;
  for (std::size_t i = members.size(); i > 0; --i) {
    const Member& member = members[i - 1];
    const Node one = json_.key(keys[i - 1], any(member.schema, behind));
    members_from = member.required ? one : b.split({one, members_from});
    may_close = may_close && !member.required;
    if (i == 1) break;
    const Node more = b.byte(',', json_.gap(members_from));
    behind = may_close ? b.split({more, end}) : more;
  }
  return b.byte('{', json_.gap(may_close ? b.split({members_from, close}) : members_from));
}

Node SchemaCompiler::map(const SchemaPlace& schema, const std::optional<SchemaPlace>& value, Node next) {
  const std::uint32_t min = count_or(schema, "minProperties", 0);
  const std::uint32_t max = count_or(schema, "maxProperties", Grammar::unlimited);
  if (min > 1) schema.refuse("'minProperties' over 1 cannot be enforced: keys may come twice");
  if (min > max) return builder_.split({});
  const auto member = [&](Node behind) {
    return json_.string(builder_.byte(':', json_.space(any(value, behind))));
  };
  return json_.list('{', '}', min, max, member, next);
}

}  // namespace artemis

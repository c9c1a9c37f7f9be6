#include "artemis/serve/request_fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "artemis/text/utf8.h"

namespace artemis {
namespace {

const char* name_of_type(const Json& value) {
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a decimal";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  if (value.is_array()) return "an array";
  return value.is_object() ? "an object" : "null";
}

}  // namespace

void wrong_type(const std::string& place, const Json& found, std::string_view expected) {
  throw ApiError(400,
                 fmt::format("Invalid type for '{}': expected {}, but got {} instead.", place, expected,
                             name_of_type(found)),
                 place, "invalid_type");
}

void wrong_value(const std::string& place, std::string_view why) {
  throw ApiError(400, fmt::format("Invalid '{}': {}.", place, why), place, "invalid_value");
}

void missing_value(const std::string& place) {
  throw ApiError(400, fmt::format("Missing required parameter: '{}'.", place), place,
                 "missing_required_parameter");
}

void wrong_choice(const std::string& place, std::string_view found,
                  std::initializer_list<std::string_view> choices) {
  std::string list;
  for (const std::string_view choice : choices)
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", choice);
  wrong_value(place, fmt::format("'{}' is none of the supported values {}", found, list));
}

bool to_boolean(const Json& value, const std::string& place) {
  if (!value.is_boolean()) wrong_type(place, value, "a boolean");
  return value.get<bool>();
}

const std::string& to_text(const Json& value, const std::string& place) {
  if (!value.is_string()) wrong_type(place, value, "a string");
  return value.get_ref<const std::string&>();
}

double to_number(const Json& value, const std::string& place, double least, double most) {
  if (!value.is_number()) wrong_type(place, value, "a decimal");
  const auto number = value.get<double>();
  if (!(number >= least && number <= most)) {
    wrong_value(place, fmt::format("expected a value from {} to {}, but got {}", least, most, number));
  }
  return number;
}

std::int64_t to_integer(const Json& value, const std::string& place, std::int64_t least, std::int64_t most) {
  if (!value.is_number_integer()) wrong_type(place, value, "an integer");
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > largest;
  const std::int64_t number = too_large ? 0 : value.get<std::int64_t>();
  if (too_large || number < least || number > most) {
    wrong_value(place, fmt::format("expected a value from {} to {}, but got {}", least, most, value.dump()));
  }
  return number;
}

const Json& to_list(const Json& value, const std::string& place) {
  if (!value.is_array()) wrong_type(place, value, "an array");
  return value;
}

const Json& to_object(const Json& value, const std::string& place) {
  if (!value.is_object()) wrong_type(place, value, "an object");
  return value;
}

Fields::Fields(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
  if (object.is_object()) return;
  if (place_.empty()) throw ApiError(400, "The body of the request is no JSON object.", "", "invalid_type");
  wrong_type(place_, object, "an object");
}

std::string Fields::place(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key);
}

const Json* Fields::find(std::string_view key) {
  known_.emplace(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json& Fields::required(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) missing_value(place(key));
  return *value;
}

std::optional<bool> Fields::boolean(std::string_view key) {
  const Json* value = find(key);
  return value == nullptr ? std::nullopt : std::optional(to_boolean(*value, place(key)));
}

std::optional<std::string> Fields::text(std::string_view key) {
  const Json* value = find(key);
  return value == nullptr ? std::nullopt : std::optional(to_text(*value, place(key)));
}

std::optional<float> Fields::number(std::string_view key, double least, double most) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return static_cast<float>(to_number(*value, place(key), least, most));
}

std::optional<std::int64_t> Fields::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const Json* value = find(key);
  return value == nullptr ? std::nullopt : std::optional(to_integer(*value, place(key), least, most));
}

std::string Fields::required_text(std::string_view key) { return to_text(required(key), place(key)); }

void Fields::refuse_others(std::initializer_list<std::string_view> ignored) const {
  for (const auto& [key, value] : object_.items()) {
    if (known_.contains(key) || std::ranges::find(ignored, key) != ignored.end()) continue;
    constexpr std::size_t longest = 64;  // of a name that the client made up
    const std::string at = place(replace_invalid_utf8(key.substr(0, longest)));
    throw ApiError(400, fmt::format("Unrecognized request argument supplied: {}", at), at,
                   "unknown_parameter");
  }
}

}  // namespace artemis

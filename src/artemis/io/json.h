// JSON as the Hugging Face files and our own reports use it; the order of keys is kept.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace artemis {

using Json = nlohmann::ordered_json;

// Parses one JSON text of at most `max_depth` nested arrays and objects. Throws Error with `where` (a file
// name, say) and the byte of the fault.
Json parse_json(std::string_view text, std::string_view where, int max_depth = 512);

// Throws Error when arrays and objects nest deeper than max_depth; nothing else is checked.
void check_json_depth(std::string_view text, std::string_view where, int max_depth);

// Reads and parses a file; throws Error naming it.
Json read_json(const std::filesystem::path& file);

// The member `key` of an object, converted; throws Error naming `where` and the key when it is absent or of
// another type.
template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where);

// As json_get, but `fallback` when the key is absent or null.
template <typename T>
T json_get_or(const Json& object, std::string_view key, std::string_view where, T fallback);

// Throws the Error of json_get.
[[noreturn]] void json_fail(const Json& object, std::string_view key, std::string_view where,
                            const char* expected);

template <typename T>
constexpr const char* json_type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return "an integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "a number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "a string";
  else
    return "a list or object";
}

template <typename T>
bool json_is(const Json& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value.is_boolean();
  else if constexpr (std::is_integral_v<T>)
    return value.is_number_integer();
  else if constexpr (std::is_floating_point_v<T>)
    return value.is_number();
  else if constexpr (std::is_same_v<T, std::string>)
    return value.is_string();
  else
    return value.is_structured();
}

template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || !json_is<T>(*found)) json_fail(object, key, where, json_type_name<T>());
  return found->template get<T>();
}

template <typename T>
T json_get_or(const Json& object, std::string_view key, std::string_view where, T fallback) {
  if (!object.is_object()) json_fail(object, key, where, json_type_name<T>());
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!json_is<T>(*found)) json_fail(object, key, where, json_type_name<T>());
  return found->template get<T>();
}

}  // namespace artemis

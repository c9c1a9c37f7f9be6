// JSON as the Hugging Face files and our own reports use it; the order of keys is kept.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace artemis {

using Json = nlohmann::ordered_json;
// The same with keys in the order of the alphabet, for large objects: finding one of n keys takes log n.
using SortedJson = nlohmann::json;

// Parses one JSON text of at most `max_depth` nested arrays and objects, in linear time; of a key that stands
// twice in an object the last value counts. Throws Error with `where` (a file
// name, say) and the byte of the fault.
inline constexpr int default_json_depth = 512;
Json parse_json(std::string_view text, std::string_view where, int max_depth = default_json_depth);

// What the parser says of a fault, without the rest of a token that may be as long as the file.
std::string json_reason(const std::exception& error);

// Throws Error when arrays and objects nest deeper than max_depth, or a zero byte stands in the text; nothing
// else is checked.
void check_json_depth(std::string_view text, std::string_view where, int max_depth);

// Reads and parses a file; throws Error naming it.
Json read_json(const std::filesystem::path& file);
SortedJson read_sorted_json(const std::filesystem::path& file);

// Throws the Error of json_get: `found` is the type of what stands there, null when nothing does.
[[noreturn]] void json_fail(std::string_view key, std::string_view where, const char* found,
                            const char* expected);
[[noreturn]] void json_fail_no_object(std::string_view key, std::string_view where, const char* found);

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

template <typename T, typename AnyJson>
bool json_is(const AnyJson& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.is_boolean();
  } else if constexpr (std::is_integral_v<T>) {
    return value.is_number_integer();
  } else if constexpr (std::is_floating_point_v<T>) {
    return value.is_number();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.is_string();
  } else {
    return value.is_structured();
  }
}

// The member `key` of an object (Json or SortedJson), converted; throws Error naming `where` and the key when
// it is absent or of another type.
template <typename T, typename AnyJson>
T json_get(const AnyJson& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) json_fail_no_object(key, where, object.type_name());
  const auto found = object.find(key);
  if (found == object.end()) json_fail(key, where, nullptr, json_type_name<T>());
  if (!json_is<T>(*found)) json_fail(key, where, found->type_name(), json_type_name<T>());
  return found->template get<T>();
}

// As json_get, but `fallback` when the key is absent or null.
template <typename T, typename AnyJson>
T json_get_or(const AnyJson& object, std::string_view key, std::string_view where, T fallback) {
  if (!object.is_object()) json_fail_no_object(key, where, object.type_name());
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!json_is<T>(*found)) json_fail(key, where, found->type_name(), json_type_name<T>());
  return found->template get<T>();
}

}  // namespace artemis

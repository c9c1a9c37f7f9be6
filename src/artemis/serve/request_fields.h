// Reading the members of a request's JSON: every wrong type or range is an ApiError 400 that names its place.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "artemis/io/json.h"
#include "artemis/serve/api_error.h"

namespace artemis {

// Throw ApiError 400 for the value at `place`.
[[noreturn]] void wrong_type(const std::string& place, const Json& found, std::string_view expected);
[[noreturn]] void wrong_value(const std::string& place, std::string_view why);
[[noreturn]] void missing_value(const std::string& place);
[[noreturn]] void wrong_choice(const std::string& place, std::string_view found,
                               std::initializer_list<std::string_view> choices);

// The values themselves; each throws ApiError for any other type, and outside [least, most].
bool to_boolean(const Json& value, const std::string& place);
const std::string& to_text(const Json& value, const std::string& place);
double to_number(const Json& value, const std::string& place, double least, double most);
std::int64_t to_integer(const Json& value, const std::string& place, std::int64_t least, std::int64_t most);
const Json& to_list(const Json& value, const std::string& place);
const Json& to_object(const Json& value, const std::string& place);

// The members of one object. A member that is null counts as absent.
class Fields {
 public:
  // `place`: of the object, "" for the whole request. Throws for a value that is no object.
  Fields(const Json& object, std::string place);

  // The place of a member: "messages[0].role".
  std::string place(std::string_view key) const;

  // Null when it is absent.
  const Json* find(std::string_view key);
  const Json& required(std::string_view key);

  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::optional<float> number(std::string_view key, double least, double most);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::string required_text(std::string_view key);

  // Refuses every member that was not asked for and is not `ignored`.
  void refuse_others(std::initializer_list<std::string_view> ignored = {}) const;

 private:
  const Json& object_;
  std::string place_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace artemis

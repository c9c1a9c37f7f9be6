#include "artemis/io/json.h"

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"

namespace artemis {

void check_json_depth(std::string_view text, std::string_view where, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    require(c != '\0', where, "malformed JSON: a zero at byte {}",
            i);  // the parser would take it for the end
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      require(++depth <= max_depth, where, "JSON nested deeper than {} at byte {}", max_depth, i);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

namespace {

// nlohmann-json's parser keeps a stack of its own, but writing and destroying a value recurse: the depth
// comes first.
template <typename AnyJson>
AnyJson parse(std::string_view text, std::string_view where, int max_depth) {
  check_json_depth(text, where, max_depth);
  try {
    return AnyJson::parse(text);
  } catch (const typename AnyJson::parse_error& error) {
    fail(where, "malformed JSON at byte {}: {}", error.byte, error.what());
  } catch (const typename AnyJson::exception& error) {
    fail(where, "malformed JSON: {}", error.what());
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, int max_depth) {
  return parse<Json>(text, where, max_depth);
}

Json read_json(const std::filesystem::path& file) { return parse_json(read_file(file), file.string()); }

SortedJson read_sorted_json(const std::filesystem::path& file) {
  return parse<SortedJson>(read_file(file), file.string(), default_json_depth);
}

void json_fail(std::string_view key, std::string_view where, const char* found, const char* expected) {
  if (found == nullptr) fail(where, "key '{}' is missing, expected {}", key, expected);
  fail(where, "key '{}' is {}, expected {}", key, found, expected);
}

void json_fail_no_object(std::string_view key, std::string_view where, const char* found) {
  fail(where, "expected an object with the key '{}', found {}", key, found);
}

}  // namespace artemis

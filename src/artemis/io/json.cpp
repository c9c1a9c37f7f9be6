#include "artemis/io/json.h"

#include <unordered_map>
#include <utility>
#include <vector>

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

std::string json_reason(const std::exception& error) {
  constexpr std::size_t most = 300;
  std::string text = error.what();
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;  // no half character
  return text.substr(0, end) + "...";
}

namespace {

// Builds a Json in linear time: its objects are lists, and the library's own builder searches the list for
// every key. Of a key that stands twice the last value counts, in the first one's place.
class JsonBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit JsonBuilder(std::string_view where) : where_(where) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }

  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }

  bool end_object() override {
    unite_keys(open_.back()->get_ref<Json::object_t&>());
    return end_array();
  }

  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    fail(where_, "malformed JSON at byte {}: {}", position, json_reason(error));
  }

 private:
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (Json& parent = *open_.back(); parent.is_array()) {
      parent.push_back(std::move(value));
      return parent.back();
    } else {
      auto& object = parent.get_ref<Json::object_t&>();
      object.emplace_back(std::move(key_), std::move(value));
      return object.back().second;
    }
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    open_.push_back(&place(std::move(value)));
    return true;
  }

  static void unite_keys(Json::object_t& object) {
    Json::object_t united;
    std::unordered_map<std::string_view, std::size_t> places;
    for (const auto& [key, value] : object) places.emplace(key, places.size());
    if (places.size() == object.size()) return;
    for (auto& [key, value] : object) {
      const std::size_t at = places.at(key);
      if (at == united.size()) {
        united.emplace_back(key, std::move(value));
      } else {
        (united.begin() + static_cast<std::ptrdiff_t>(at))->second = std::move(value);
      }
    }
    object = std::move(united);
  }

  std::string_view where_;
  Json root_;
  std::vector<Json*> open_;  // from the root inwards; nothing is added to one before those in it are closed
  std::string key_;
};

}  // namespace

// The parser keeps a stack of its own, but writing and destroying a value recurse: the depth comes first.
Json parse_json(std::string_view text, std::string_view where, int max_depth) {
  check_json_depth(text, where, max_depth);
  JsonBuilder builder(where);
  Json::sax_parse(text, &builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& file) { return parse_json(read_file(file), file.string()); }

SortedJson read_sorted_json(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  check_json_depth(text, file.string(), default_json_depth);
  try {
    return SortedJson::parse(text);
  } catch (const SortedJson::parse_error& error) {
    fail(file.string(), "malformed JSON at byte {}: {}", error.byte, json_reason(error));
  } catch (const SortedJson::exception& error) {
    fail(file.string(), "malformed JSON: {}", json_reason(error));
  }
}

void json_fail(std::string_view key, std::string_view where, const char* found, const char* expected) {
  if (found == nullptr) fail(where, "key '{}' is missing, expected {}", key, expected);
  fail(where, "key '{}' is {}, expected {}", key, found, expected);
}

void json_fail_no_object(std::string_view key, std::string_view where, const char* found) {
  fail(where, "expected an object with the key '{}', found {}", key, found);
}

}  // namespace artemis

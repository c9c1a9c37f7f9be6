// A JSON schema as a document: its places, references, and what several schemas at once say.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "artemis/io/json.h"

namespace artemis {

// A schema inside a document, and its JSON pointer for messages.
struct SchemaPlace {
  const Json* json = nullptr;
  std::string pointer;

  // What a key of the schema, which is an object, holds; null where it is not there.
  const Json* find(const char* key) const;
  // The schema or list of schemas below.
  SchemaPlace at(std::string_view key) const;
  SchemaPlace at(std::size_t index) const;
  // Throws Error naming the place.
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail_at(fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_at(const std::string& message) const;
  // The "[where]" of messages.
  std::string where() const;
};

// A key as a part of a JSON pointer.
std::string escaped_pointer(std::string_view key);

// Keys that say nothing about a value.
bool is_annotation(std::string_view key);

class SchemaDocument {
 public:
  static constexpr int max_depth = 256;
  static constexpr std::size_t max_values = 50'000;   // of the document
  static constexpr std::size_t max_merged = 500'000;  // gone through to merge

  // `pointer` names the document in messages ("#"). Throws Error for one too deep or too large.
  SchemaDocument(const Json& root, std::string pointer);

  SchemaPlace root() const { return {&root_, pointer_}; }
  // What a $ref names; within the document alone.
  SchemaPlace resolve(const SchemaPlace& place, const std::string& reference);

  // One schema that says what `schemas` say together, each without its $ref and allOf. It lives as long as
  // the document, and is the same one whenever it says the same. Throws Error for keywords that cannot be
  // joined.
  SchemaPlace all_of(const std::vector<SchemaPlace>& schemas, const std::string& pointer);
  // The schema `place` without these keys.
  SchemaPlace without(const SchemaPlace& place, std::initializer_list<std::string_view> keys);

 private:
  SchemaPlace keep(Json json, const std::string& pointer);
  // Joins the schema, and whatever its $ref and allOf say, to `all`.
  void join(Json& all, const SchemaPlace& place, int depth);
  void join_keys(Json& all, const Json& more, const SchemaPlace& place);
  const Json* member(const Json& object, const std::string& key);

  const Json& root_;
  std::string pointer_;
  std::size_t merged_ = 0;  // values
  std::deque<Json> kept_;
  std::unordered_map<std::string, const Json*> kept_by_text_;
  std::unordered_map<const Json*, std::unordered_map<std::string_view, const Json*>>
      members_;  // of objects searched
};

}  // namespace artemis

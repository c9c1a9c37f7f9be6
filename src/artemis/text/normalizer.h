// The "normalizer" of a tokenizer.json: what is done to text before it is cut.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "artemis/io/json.h"

namespace artemis {

// Null, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace and Sequence; throws Error naming any other type.
class Normalizer {
 public:
  static Normalizer from_json(const SortedJson& json, const std::string& where);

  // Valid UTF-8 in and out.
  std::string operator()(std::string text) const;
  bool does_nothing() const { return steps_.empty(); }

 private:
  std::vector<std::function<std::string(std::string)>> steps_;
};

// What a "pattern" object, {"String": text} or {"Regex": expression}, matches, as a regular expression.
std::string pattern_expression(const SortedJson& pattern, const std::string& where);

// All occurrences of one text replaced by another.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace artemis

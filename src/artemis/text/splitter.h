// Cutting text at the matches of a pattern: "Split" and its relatives of a tokenizer.json.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "artemis/io/json.h"
#include "artemis/text/pre_tokenizer.h"
#include "artemis/text/regex.h"

namespace artemis {

// What becomes of the matches (tokenizers' SplitDelimiterBehavior).
enum class SplitBehavior : std::uint8_t {
  isolated,
  removed,
  contiguous,
  merged_with_previous,
  merged_with_next
};

// Throws Error naming a behavior that is none.
SplitBehavior split_behavior(const std::string& name, const std::string& where);

class Splitter {
 public:
  // `invert`: what lies between the matches takes their part.
  Splitter(const std::string& expression, SplitBehavior behavior, bool invert, const std::string& where);
  // The "pattern", "behavior" and "invert" of a Split.
  static Splitter from_json(const SortedJson& json, const std::string& where);

  // Cuts every piece further.
  void operator()(Pieces& pieces) const;

 private:
  struct Part {
    TextRange range;
    bool match;
  };

  void isolate(std::string_view text, std::size_t offset, std::vector<TextRange>& out) const;
  std::vector<Part> parts_of(std::string_view text) const;
  std::vector<Part> arrange(std::vector<Part> parts) const;

  std::shared_ptr<const Regex> regex_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace artemis

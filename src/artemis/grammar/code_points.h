// Sets of characters, and how they stand in JSON strings.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "artemis/grammar/grammar.h"

namespace artemis {

// Code points without the surrogates.
class CodePoints {
 public:
  struct Range {
    char32_t first = 0;
    char32_t last = 0;
  };
  static constexpr char32_t largest = 0x10FFFF;

  CodePoints() = default;
  CodePoints(std::initializer_list<Range> ranges);

  void add(char32_t first, char32_t last);
  void add(const CodePoints& more);
  // All the others.
  CodePoints others() const;
  // Rising, none touching another.
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

// One character of the set inside a JSON string: as UTF-8, or in the one escape that JSON writers use where
// it must be escaped (\", \\, \n, \u001f).
GrammarBuilder::Node json_character(GrammarBuilder& builder, const CodePoints& set,
                                    GrammarBuilder::Node next);

}  // namespace artemis

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
  CodePoints without(const CodePoints& less) const;
  // Rising, none touching another.
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

// How a text stands in an answer.
enum class TextStyle {
  json,       // inside a JSON string, where what must be escaped has the one escape of JSON writers (\", \n,
              // \u001f)
  json_call,  // the same inside a tool call, where '<' is escaped too, lest a value holds the tag that ends
              // it
  plain       // as it is
};

// One character of the set, as UTF-8 or escaped.
GrammarBuilder::Node character(GrammarBuilder& builder, const CodePoints& set, TextStyle style,
                               GrammarBuilder::Node next);

}  // namespace artemis

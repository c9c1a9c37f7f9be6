// The regular expressions of JSON schemas, as grammars of JSON strings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "artemis/grammar/code_points.h"
#include "artemis/grammar/grammar.h"

namespace artemis {

// Of ECMAScript's syntax (flag u) what is regular: characters, ., sets, \d \w \s and their opposites, groups,
// |, and repetitions, lazy or not; ^ and $ only where the pattern or one of its outermost choices begins and
// ends. Without them the match may stand anywhere, as in JSON Schema.
class Pattern {
 public:
  // Throws Error naming `where`, and the byte of what is malformed or not supported.
  Pattern(std::string_view text, std::string_view where);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  // How many characters a match has; Grammar::unlimited for no bound.
  std::uint32_t min_length() const;
  std::uint32_t max_length() const;
  // The text, without quotes around it; a plain one without line ends and '<', whatever the pattern says.
  GrammarBuilder::Node text(GrammarBuilder& builder, TextStyle style, GrammarBuilder::Node next) const;

 private:
  struct Term;
  class Parser;

  std::unique_ptr<const Term> root_;
};

// The pattern of a JSON Schema format, empty for one that is not known.
const std::string& format_pattern(std::string_view format);

}  // namespace artemis

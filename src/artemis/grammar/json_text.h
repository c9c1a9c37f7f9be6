// The parts of JSON texts as rules of a grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "artemis/grammar/code_points.h"
#include "artemis/grammar/grammar.h"

namespace artemis {

// Makes the rules once in a builder; all texts are UTF-8. White space is bounded, so that no answer is lost
// in it.
class JsonText {
 public:
  using Node = GrammarBuilder::Node;
  using Rule = GrammarBuilder::Rule;

  static constexpr std::uint32_t max_digits = 64;  // of a number's whole part, and of its fraction

  // The first that is done with a builder; in a call, behind what all grammars of calls begin with.
  // `in_call`: the values stand in a tool call, and no string of theirs holds "</".
  explicit JsonText(GrammarBuilder& builder, bool in_call = false);

  TextStyle style() const { return in_call_ ? TextStyle::json_call : TextStyle::json; }

  // Nothing, a space, or a new line with at most 40 spaces.
  Node gap(Node next);
  // Nothing or a space, as behind a colon.
  Node space(Node next);
  Node string(Node next) { return builder_.call(string_, next); }
  // So many characters of a string, without its quotes.
  Node characters(std::uint32_t min, std::uint32_t max, Node next);
  Node integer(Node next) { return builder_.call(integer_, next); }
  Node number(Node next) { return builder_.call(number_, next); }
  Node boolean(Node next) { return builder_.one_of({"true", "false"}, next); }
  Node null(Node next) { return builder_.literal("null", next); }
  Node value(Node next) { return builder_.call(value_, next); }
  Node array(Node next) { return builder_.call(array_, next); }
  Node object(Node next) { return builder_.call(object_, next); }

  // [ item, item, ... ] and { member, member, ... } with min to max of them; `item` may not be empty.
  Node list(char open, char close, std::uint32_t min, std::uint32_t max, const GrammarBuilder::Part& item,
            Node next);
  // The key as it is written, quotes and all, and what stands before its value.
  Node key(std::string_view quoted, Node next);

  Rule object_rule() const { return object_; }

 private:
  // One character inside a string: as UTF-8 or escaped; no half of a surrogate pair, and none of `without`.
  Node character(std::string_view without, Node next);
  Node characters(Node next);

  GrammarBuilder& builder_;
  bool in_call_;
  Rule indent_ = 0;
  Rule string_ = 0;
  Rule integer_ = 0;
  Rule number_ = 0;
  Rule value_ = 0;
  Rule array_ = 0;
  Rule object_ = 0;
};

}  // namespace artemis

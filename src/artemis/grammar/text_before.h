// Text that goes on as it likes until a tag comes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artemis/grammar/grammar.h"

namespace artemis {

// Makes its rules once in a builder. The text may hold any byte, and any added token but the tag; the tag is
// found whether it comes as one token or spelled out. Behind a part of the tag comes no added token: where
// that is not shown, the tag would be made whole around it.
class TextBefore {
 public:
  using Node = GrammarBuilder::Node;

  // The tag's first byte must not come in it again.
  TextBefore(GrammarBuilder& builder, std::string_view tag);

  // A text, and the tag that ends it.
  Node with_tag(Node next) const { return builder_.call(with_tag_, next); }
  // A text that may end anywhere, and does not hold the tag.
  Node without_tag(Node next) const { return builder_.call(without_tag_, next); }

 private:
  GrammarBuilder::Rule make(std::string_view tag, bool ends_with_tag);

  GrammarBuilder& builder_;
  GrammarBuilder::Rule with_tag_;
  GrammarBuilder::Rule without_tag_;
};

}  // namespace artemis

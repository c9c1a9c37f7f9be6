#include "artemis/grammar/text_before.h"

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"

namespace artemis {

TextBefore::TextBefore(GrammarBuilder& builder, std::string_view tag)
    : builder_(builder), with_tag_(make(tag, true)), without_tag_(make(tag, false)) {
  ARTEMIS_ASSERT(tag.size() > 1 && tag.find(tag[0], 1) == tag.npos);
}

// A rule for each beginning of the tag that the text may end with so far. They call each other last, which
// takes no stack.
GrammarBuilder::Rule TextBefore::make(std::string_view tag, bool ends_with_tag) {
  GrammarBuilder& b = builder_;
  std::vector<GrammarBuilder::Rule> behind;  // so many bytes of it
  for (std::size_t i = 0; i < tag.size(); ++i) behind.push_back(b.declare());
  for (std::size_t i = 0; i < tag.size(); ++i) {
    b.define(behind[i], [&](Node end) {
      std::vector<Node> branches;
      const bool last = i + 1 == tag.size();
      if (!last) branches.push_back(b.byte(tag[i], b.call(behind[i + 1], end)));
      if (last && ends_with_tag) branches.push_back(b.byte(tag[i], end));
      if (i > 0) branches.push_back(b.byte(tag[0], b.call(behind[1], end)));
      branches.push_back(
          b.bytes(~bytes_of(tag.substr(i, 1)) & ~bytes_of(tag.substr(0, 1)), b.call(behind[0], end)));
      if (i == 0) branches.push_back(b.added_but(tag, b.call(behind[0], end)));
      branches.push_back(ends_with_tag ? b.token(tag, end) : end);
      return b.split(branches);
    });
  }
  return behind[0];
}

std::shared_ptr<const Grammar> behind_text(const Grammar& form, std::string_view tag, bool may_end) {
  GrammarBuilder b(form);
  const TextBefore text(b, tag);
  return b.finish(b.rule([&](TextBefore::Node end) {
    const TextBefore::Node begin = b.call(form.root, end);
    const TextBefore::Node whole = text.with_tag(b.one_of({"", "\n", "\n\n"}, begin));
    return may_end ? b.split({whole, text.without_tag(end)}) : whole;
  }));
}

}  // namespace artemis

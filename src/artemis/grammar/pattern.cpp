#include "artemis/grammar/pattern.h"

#include <algorithm>
#include <utility>

#include "artemis/core/error.h"
#include "artemis/grammar/pattern_term.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

// Two repetitions that overlap (.{0,99}.{0,99}) leave a text in many places at once; each costs time at every
// byte.
constexpr std::uint64_t max_places = 512;

std::uint32_t bounded(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, Grammar::unlimited));
}

}  // namespace

Pattern::Term Pattern::Term::of_set(CodePoints set) {
  Term term;
  term.kind = Kind::set;
  for (const CodePoints::Range& range : set.ranges())
    term.wide = term.wide || range.last - range.first > 0xFF;
  term.set = std::move(set);
  term.min_length = term.max_length = 1;
  return term;
}

Pattern::Term Pattern::Term::of_parts(Kind kind, std::vector<Term> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Term term;
  term.kind = kind;
  term.places = 0;
  std::uint64_t shortest = kind == Kind::choice ? Grammar::unlimited : 0;
  std::uint64_t longest = 0;
  for (const Term& part : parts) {
    term.places += part.places;
    term.counted += part.counted;
    term.wide = term.wide || part.wide;
    if (kind == Kind::choice) {
      shortest = std::min<std::uint64_t>(shortest, part.min_length);
      longest = std::max<std::uint64_t>(longest, part.max_length);
    } else {
      shortest += part.min_length;
      longest += part.max_length;  // unlimited stays so, being the most
    }
  }
  term.min_length = bounded(shortest);
  term.max_length = bounded(longest);
  term.parts = std::move(parts);
  return term;
}

Pattern::Term Pattern::Term::of_repeat(Term part, std::uint32_t min, std::uint32_t max) {
  Term term;
  term.kind = Kind::repeat;
  term.min = min;
  term.max = max;
  term.min_length = bounded(std::uint64_t{part.min_length} * min);
  term.max_length = max == Grammar::unlimited ? (part.max_length == 0 ? 0 : Grammar::unlimited)
                                              : bounded(std::uint64_t{part.max_length} * max);
  const std::uint32_t count = std::max(min, max == Grammar::unlimited ? 1 : max);
  term.counted = part.counted + (count > 1 ? 1 : 0);
  term.wide = part.wide;
  const std::uint64_t weight = count > 1 && part.counted > 0 && part.wide ? 8 : 1;
  term.places = std::min<std::uint64_t>(part.places * std::max(count, 1u) * weight, std::uint64_t{1} << 40);
  term.parts.push_back(std::move(part));
  return term;
}

Pattern::Pattern(std::string_view text, std::string_view where)
    : root_(std::make_unique<const Term>(Parser(text, where).parse())) {
  require(root_->counted <= 1 || root_->places <= max_places, where,
          "pattern '{}': its repetitions multiply to {}, at most {}", text, root_->places, max_places);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::uint32_t Pattern::min_length() const { return root_->min_length; }
std::uint32_t Pattern::max_length() const { return root_->max_length; }

// Terms lie in each other as deep as the parser lets groups.
Node Pattern::Term::add_to(GrammarBuilder& builder, TextStyle style, Node next) const {
  switch (kind) {
    case Kind::set:
      return character(
          builder, style == TextStyle::plain ? set.without({{'\n', '\n'}, {'\r', '\r'}, {'<', '<'}}) : set,
          style, next);
    case Kind::sequence:
      for (std::size_t i = parts.size(); i > 0; --i) next = parts[i - 1].add_to(builder, style, next);
      return next;
    case Kind::choice: {
      std::vector<Node> branches;
      for (const Term& part : parts) branches.push_back(part.add_to(builder, style, next));
      return builder.split(branches);
    }
    case Kind::repeat:
      return builder.repeat(
          min, max, [&](Node behind) { return parts[0].add_to(builder, style, behind); }, next);
  }
  return next;
}

Node Pattern::text(GrammarBuilder& builder, TextStyle style, Node next) const {
  return root_->add_to(builder, style, next);
}

}  // namespace artemis

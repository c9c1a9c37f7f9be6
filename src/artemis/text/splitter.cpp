#include "artemis/text/splitter.h"

#include "artemis/core/error.h"
#include "artemis/text/normalizer.h"

namespace artemis {
namespace {

// Joins a part to the one before it where `joins(previous, part)`.
template <typename Part, typename Joins>
std::vector<Part> join(const std::vector<Part>& parts, const Joins& joins) {
  std::vector<Part> joined;
  const Part* previous = nullptr;
  for (const Part& part : parts) {
    if (previous != nullptr && joins(*previous, part)) {
      joined.back().range.end = part.range.end;
    } else {
      joined.push_back(part);
    }
    previous = &part;
  }
  return joined;
}

}  // namespace

SplitBehavior split_behavior(const std::string& name, const std::string& where) {
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  fail(where, "split behavior '{}' is not supported", name);
}

Splitter::Splitter(const std::string& expression, SplitBehavior behavior, bool invert,
                   const std::string& where)
    : regex_(std::make_shared<const Regex>(expression, where)), behavior_(behavior), invert_(invert) {}

Splitter Splitter::from_json(const SortedJson& json, const std::string& where) {
  require(json.contains("pattern"), where, "a Split has no 'pattern'");
  return {pattern_expression(json["pattern"], where),
          split_behavior(json_get<std::string>(json, "behavior", where), where),
          json_get_or<bool>(json, "invert", where, false), where};
}

void Splitter::operator()(Pieces& pieces) const {
  pieces.spare.clear();
  for (const TextRange range : pieces.ranges) {
    if (behavior_ == SplitBehavior::isolated) {
      isolate(pieces.piece(range), range.begin, pieces.spare);
      continue;
    }
    for (const Part& part : arrange(parts_of(pieces.piece(range)))) {
      if (part.range.size() == 0) continue;
      pieces.spare.push_back({range.begin + part.range.begin, range.begin + part.range.end});
    }
  }
  std::swap(pieces.ranges, pieces.spare);
}

// The common case, straight into `out`.
void Splitter::isolate(std::string_view text, std::size_t offset, std::vector<TextRange>& out) const {
  std::size_t last = 0;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (begin < end) out.push_back({offset + begin, offset + end});
  };
  regex_->for_each_match(text, [&](TextRange match) {
    add(last, match.begin);
    add(match.begin, match.end);
    last = match.end;
  });
  add(last, text.size());
}

// Matches (empty ones too) and what lies between them.
std::vector<Splitter::Part> Splitter::parts_of(std::string_view text) const {
  std::vector<Part> parts;
  std::size_t last = 0;
  const auto add_gap = [&](std::size_t end) {
    if (last < end) parts.push_back({{last, end}, invert_});
  };
  regex_->for_each_match(text, [&](TextRange match) {
    add_gap(match.begin);
    parts.push_back({match, !invert_});
    last = match.end;
  });
  add_gap(text.size());
  return parts;
}

std::vector<Splitter::Part> Splitter::arrange(std::vector<Part> parts) const {
  switch (behavior_) {
    case SplitBehavior::isolated:
      return parts;
    case SplitBehavior::removed:
      std::erase_if(parts, [](const Part& part) { return part.match; });
      return parts;
    case SplitBehavior::contiguous:
      return join(parts, [](const Part& a, const Part& b) { return a.match == b.match; });
    case SplitBehavior::merged_with_previous:
      return join(parts, [](const Part& a, const Part& b) { return b.match && !a.match; });
    case SplitBehavior::merged_with_next:
      return join(parts, [](const Part& a, const Part& b) { return a.match && !b.match; });
  }
  return parts;
}

}  // namespace artemis

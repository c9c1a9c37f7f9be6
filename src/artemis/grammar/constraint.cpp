#include "artemis/grammar/constraint.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/grammar/mask_cache.h"

namespace artemis {

Constraint::Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenBytes> tokens)
    : grammar_(std::move(grammar)),
      tokens_(std::move(tokens)),
      machine_(grammar_, *tokens_),
      heads_(machine_.start()) {}

void Constraint::allowed(std::span<std::uint32_t> mask) {
  ARTEMIS_ASSERT(static_cast<std::int64_t>(mask.size()) == (tokens_->vocab() + 31) / 32);
  std::fill(mask.begin(), mask.end(), 0);
  const auto set = [&](std::int32_t token) {
    const auto place = static_cast<std::uint32_t>(token);
    mask[place / 32] |= std::uint32_t{1} << (place % 32);
  };
  const std::size_t stacks = machine_.stacks().size();
  TrieWalk walk(machine_, *tokens_);
  const auto set_all = [&](std::uint32_t top, std::uint32_t heads) {
    walk.visit(
        top, heads,
        [&](std::uint32_t node) {
          for (const std::int32_t token : tokens_->tokens_at(node)) set(token);
        },
        [](std::uint32_t) {});
  };
  // What depends on the stacks is looked at for each end of a rule within a token. Where those are very many
  // (a rule of a character or two, repeated), one walk over all tokens takes less.
  std::size_t ends = 0;
  std::vector<std::pair<std::shared_ptr<const NodeMask>, std::uint32_t>> open;
  for (const Head& head : heads_) {
    if (head.node == Grammar::none || machine_.for_each_added(head, set)) continue;
    auto known = mask_of_head(grammar_, *tokens_, head);
    // Heads that differ in a count that no token can tell stand side by side, and are done once.
    if (!open.empty() && open.back().first == known && open.back().second == head.stack) continue;
    known->add_to(mask);
    // Nothing comes behind the root rule's end.
    if (head.stack != Stacks::bottom) ends += known->ends.size();
    open.emplace_back(std::move(known), head.stack);
  }
  if (ends > NodeMask::most_ends) {
    set_all(0, walk.number(heads_));
  } else {
    for (const auto& [known, stack] : open) {
      if (known->ends.empty() || stack == Stacks::bottom) continue;
      const std::uint32_t behind = walk.number(machine_.returned(stack));
      for (const std::uint32_t end : known->ends) set_all(end, behind);
    }
  }
  machine_.stacks().shrink(stacks);
}

bool Constraint::accept(std::int32_t token) {
  if (token < 0 || token >= tokens_->vocab()) return false;
  const std::string& bytes = tokens_->bytes(token);
  const std::size_t stacks = machine_.stacks().size();
  Heads heads = heads_;
  if (bytes.empty()) heads = machine_.step_added(heads, token);
  for (const char c : bytes) {
    heads = machine_.step(heads, static_cast<unsigned char>(c));
    if (heads.empty()) break;
  }
  if (heads.empty()) {
    machine_.stacks().shrink(stacks);
    return false;
  }
  heads_ = std::move(heads);
  return true;
}

}  // namespace artemis

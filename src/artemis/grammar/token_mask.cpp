#include "artemis/grammar/token_mask.h"

#include <algorithm>

namespace artemis {
namespace {

void set_bit(std::span<std::uint32_t> mask, std::int32_t token) {
  const auto place = static_cast<std::uint32_t>(token);
  mask[place / 32] |= std::uint32_t{1} << (place % 32);
}

}  // namespace

void NodeMask::add_to(std::span<std::uint32_t> mask) const {
  for (const std::int32_t id : ids) set_bit(mask, id);
  for (std::size_t i = 0; i < words.size(); ++i) mask[i] |= words[i];
}

std::size_t NodeMask::memory() const {
  return sizeof(NodeMask) + 4 * (ids.capacity() + words.capacity() + ends.capacity());
}

std::size_t TrieWalk::HashHeads::operator()(const Heads& heads) const {
  std::uint64_t hash = heads.size();
  for (const Head& head : heads) {
    for (const std::uint32_t part : {head.node, head.counter, head.stack}) {
      hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    }
  }
  return hash;
}

std::uint32_t TrieWalk::number(const Heads& heads) {
  const auto [found, added] = numbers_.emplace(heads, static_cast<std::uint32_t>(states_.size()));
  if (added) {
    // No byte goes on from no heads, and none is looked up there.
    states_.push_back({heads, std::vector<std::uint32_t>(256, unknown),
                       !heads.empty() && heads.back().node == Grammar::none});
  }
  return found->second;
}

std::uint32_t TrieWalk::step(std::uint32_t state, unsigned char byte) {
  const std::uint32_t next = number(machine_.step(states_[state].heads, byte));
  states_[state].next[byte] = next;
  return next;
}

std::shared_ptr<const NodeMask> node_mask(const std::shared_ptr<const Grammar>& grammar,
                                          const TokenBytes& tokens, std::uint32_t node,
                                          std::uint32_t counter) {
  Machine machine(grammar, tokens);
  TrieWalk walk(machine, tokens);
  auto mask = std::make_shared<NodeMask>();
  const std::uint32_t start = walk.number({Head{node, counter, Stacks::bottom}});
  walk.visit(
      0, start,
      [&](std::uint32_t i) {
        const auto at = tokens.tokens_at(i);
        mask->ids.insert(mask->ids.end(), at.begin(), at.end());
      },
      [&](std::uint32_t i) {
        if (mask->ends.size() <= NodeMask::most_ends) mask->ends.push_back(i);
      });
  const auto words = static_cast<std::size_t>((tokens.vocab() + 31) / 32);
  if (mask->ids.size() > words) {
    mask->words.resize(words);
    for (const std::int32_t id : mask->ids) set_bit(mask->words, id);
    mask->ids.clear();
  }
  mask->ids.shrink_to_fit();
  mask->ends.shrink_to_fit();
  return mask;
}

}  // namespace artemis

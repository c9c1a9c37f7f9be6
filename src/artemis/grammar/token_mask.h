// Which tokens a grammar allows, found by walking the trie of a vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "artemis/grammar/machine.h"

namespace artemis {

// What a place in a grammar allows whatever its stack is, and where it depends on the stack.
struct NodeMask {
  static constexpr std::size_t most_ends = 20'000;

  std::vector<std::int32_t> ids;     // allowed, where they are few
  std::vector<std::uint32_t> words;  // else a bit for each token
  // Trie nodes at which the place's rule may have ended; the first most_ends + 1 of them, as nobody follows
  // more.
  std::vector<std::uint32_t> ends;

  // Sets the bits of what is allowed.
  void add_to(std::span<std::uint32_t> mask) const;
  std::size_t memory() const;
};

// Walks one trie with one machine; what a set of heads does at a byte is found once. The machine's stacks
// must not shrink while it lives.
class TrieWalk {
 public:
  TrieWalk(Machine& machine, const TokenBytes& tokens) : machine_(machine), tokens_(tokens) { number({}); }

  // A number for these heads; 0 for none.
  std::uint32_t number(const Heads& heads);
  // Calls allowed(node) for each trie node below `top` whose bytes, from `top` on, are allowed from the
  // heads; and ended(node) where the whole may have ended there.
  template <typename Allowed, typename Ended>
  void visit(std::uint32_t top, std::uint32_t heads, const Allowed& allowed, const Ended& ended);

 private:
  struct State {
    Heads heads;
    std::vector<std::uint32_t> next;  // by byte
    bool ends = false;
  };
  struct HashHeads {
    std::size_t operator()(const Heads& heads) const;
  };
  static constexpr std::uint32_t unknown = ~std::uint32_t{0};

  std::uint32_t step(std::uint32_t state, unsigned char byte);

  Machine& machine_;
  const TokenBytes& tokens_;
  std::vector<State> states_;
  std::unordered_map<Heads, std::uint32_t, HashHeads> numbers_;
  std::vector<std::uint32_t> path_;  // the state at each depth
};

template <typename Allowed, typename Ended>
void TrieWalk::visit(std::uint32_t top, std::uint32_t heads, const Allowed& allowed, const Ended& ended) {
  const std::span<const TokenBytes::Node> nodes = tokens_.nodes();
  path_.resize(tokens_.longest() + 1);
  path_[nodes[top].depth] = heads;
  for (std::uint32_t i = top + 1; i < nodes[top].skip;) {
    const TokenBytes::Node& node = nodes[i];
    const std::uint32_t before = path_[node.depth - 1u];
    std::uint32_t state = states_[before].next[node.byte];
    if (state == unknown) state = step(before, node.byte);
    if (state == 0) {
      i = node.skip;
      continue;
    }
    path_[node.depth] = state;
    allowed(i);
    if (states_[state].ends) ended(i);
    ++i;
  }
}

// The mask of a head whose stack is not known. `counter` as TokenBytes::longest bytes can tell it (see
// MaskCache).
std::shared_ptr<const NodeMask> node_mask(const std::shared_ptr<const Grammar>& grammar,
                                          const TokenBytes& tokens, std::uint32_t node,
                                          std::uint32_t counter);

}  // namespace artemis

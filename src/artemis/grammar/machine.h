// Runs a grammar over bytes: all ways at once, each a node with a stack of returns; stacks share what is the
// same.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "artemis/grammar/grammar.h"
#include "artemis/grammar/token_bytes.h"

namespace artemis {

// Where a text may stand in the grammar: at a node that reads, or (Grammar::none) behind the whole.
struct Head {
  std::uint32_t node = 0;
  std::uint32_t counter = 0;  // of the loop that the node lies in
  std::uint32_t stack = 0;

  auto operator<=>(const Head&) const = default;
};
using Heads = std::vector<Head>;  // rising, no (node, counter) twice

// Stacks by number. A stack is the set of returns that may come next, each with the stack below it: where
// several calls of a rule begin at one place, the rule is run once for all of them, so that the heads stay as
// few as the grammar's nodes however alike its branches are. Equal stacks have equal numbers.
class Stacks {
 public:
  // Goes on at `node` with this counter, on the stack `below`.
  struct Return {
    std::uint32_t node = 0;
    std::uint32_t counter = 0;
    std::uint32_t below = 0;

    auto operator<=>(const Return&) const = default;
  };
  static constexpr std::uint32_t bottom =
      0;  // the stack under the root rule; its one return has node Grammar::none

  Stacks();
  std::uint32_t push(Return top) { return make({&top, 1}); }
  // The stack that may go on as each of these may.
  std::uint32_t unite(std::span<const std::uint32_t> stacks);
  std::span<const Return> returns(std::uint32_t stack) const;

  std::size_t size() const { return ends_.size(); }
  // Forgets all but the first `size`.
  void shrink(std::size_t size);

 private:
  std::uint32_t make(std::span<const Return> returns);  // rising

  std::vector<Return> pool_;
  std::vector<std::size_t> ends_;                              // of each stack in the pool
  std::vector<std::uint64_t> hashes_;                          // of each stack
  std::unordered_multimap<std::uint64_t, std::uint32_t> ids_;  // by hash
  std::vector<Return> united_;
};

// Not for several threads at once; a copy is independent. `tokens` must outlive it.
class Machine {
 public:
  Machine(std::shared_ptr<const Grammar> grammar, const TokenBytes& tokens);

  // The heads at the beginning.
  Heads start();
  // Those behind one byte; none where the byte is not allowed. Throws Error where the grammar has too many
  // ways.
  Heads step(const Heads& heads, unsigned char byte);
  // Those behind an added token.
  Heads step_added(const Heads& heads, std::int32_t token);
  // Those behind the end of the rule that a head is in: where its stack returns to.
  Heads returned(std::uint32_t stack);

  // Calls read(token) for each added token that a head reads; false where it reads bytes or nothing.
  template <typename Read>
  bool for_each_added(const Head& head, const Read& read) const;

  const Grammar& grammar() const { return *grammar_; }
  Stacks& stacks() { return stacks_; }

 private:
  void add(const Head& head);
  void forget_seen();
  void add_returns(std::uint32_t stack);
  Heads close();

  std::shared_ptr<const Grammar> grammar_;
  const TokenBytes* tokens_;
  std::vector<std::int32_t> atom_tokens_;  // -1: no token
  Stacks stacks_;
  // The heads still to be looked at, and which have been (an open table; a slot counts if its stamp is of
  // now).
  struct Slot {
    Head head;
    std::uint32_t stamp = 0;
  };
  std::vector<Head> work_;
  std::vector<Slot> seen_;
  std::size_t seen_count_ = 0;
  std::uint32_t stamp_ = 1;
  Heads found_;
};

template <typename Read>
bool Machine::for_each_added(const Head& head, const Read& read) const {
  if (head.node == Grammar::none) return false;
  const Grammar::Node& node = grammar_->nodes[head.node];
  if (node.kind == Grammar::Kind::atom) read(atom_tokens_[node.a]);
  if (node.kind == Grammar::Kind::added) {
    for (const std::int32_t token : tokens_->added()) {
      if (token != atom_tokens_[node.a]) read(token);
    }
  }
  return node.kind != Grammar::Kind::bytes;
}

}  // namespace artemis

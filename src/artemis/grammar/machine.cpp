#include "artemis/grammar/machine.h"

#include <algorithm>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::size_t max_ways = 1 << 20;  // looked at for one byte

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

std::uint64_t hash_of(const Head& head) { return mix(mix(head.node, head.counter), head.stack); }

}  // namespace

Stacks::Stacks() {
  const Return under{Grammar::none, 0, 0};
  make({&under, 1});
}

std::span<const Stacks::Return> Stacks::returns(std::uint32_t stack) const {
  const std::size_t begin = stack == 0 ? 0 : ends_[stack - 1];
  return std::span(pool_).subspan(begin, ends_[stack] - begin);
}

std::uint32_t Stacks::make(std::span<const Return> returns) {
  std::uint64_t hash = 0;
  for (const Return& r : returns) hash = mix(mix(mix(hash, r.node), r.counter), r.below);
  const auto [first, last] = ids_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (std::ranges::equal(this->returns(it->second), returns)) return it->second;
  }
  const auto id = static_cast<std::uint32_t>(ends_.size());
  pool_.insert(pool_.end(), returns.begin(), returns.end());
  ends_.push_back(pool_.size());
  hashes_.push_back(hash);
  ids_.emplace(hash, id);
  return id;
}

std::uint32_t Stacks::unite(std::span<const std::uint32_t> stacks) {
  united_.clear();
  for (const std::uint32_t stack : stacks) {
    const auto more = returns(stack);
    united_.insert(united_.end(), more.begin(), more.end());
  }
  std::sort(united_.begin(), united_.end());
  united_.erase(std::unique(united_.begin(), united_.end()), united_.end());
  return make(united_);
}

void Stacks::shrink(std::size_t size) {
  while (ends_.size() > size) {
    const auto id = static_cast<std::uint32_t>(ends_.size() - 1);
    const auto [first, last] = ids_.equal_range(hashes_.back());
    ids_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == id; }));
    hashes_.pop_back();
    ends_.pop_back();
  }
  pool_.resize(ends_.back());
}

Machine::Machine(std::shared_ptr<const Grammar> grammar, const TokenBytes& tokens)
    : grammar_(std::move(grammar)), tokens_(&tokens), seen_(64) {
  for (const Grammar::Atom& atom : grammar_->atoms) {
    atom_tokens_.push_back(tokens.added(atom.text).value_or(-1));
  }
}

void Machine::add(const Head& head) {
  if (2 * (seen_count_ + 1) > seen_.size()) {
    if (seen_count_ >= max_ways) {
      work_.clear();
      forget_seen();
      fail("grammar", "more than {} ways to read the text, the schema's choices are too alike", max_ways);
    }
    std::vector<Slot> old(2 * seen_.size());
    old.swap(seen_);
    for (const Slot& slot : old) {
      if (slot.stamp != stamp_) continue;
      std::size_t at = hash_of(slot.head) & (seen_.size() - 1);
      while (seen_[at].stamp == stamp_) at = (at + 1) & (seen_.size() - 1);
      seen_[at] = slot;
    }
  }
  std::size_t at = hash_of(head) & (seen_.size() - 1);
  for (; seen_[at].stamp == stamp_; at = (at + 1) & (seen_.size() - 1)) {
    if (seen_[at].head == head) return;
  }
  seen_[at] = {head, stamp_};
  ++seen_count_;
  work_.push_back(head);
}

void Machine::forget_seen() {
  ++stamp_;
  seen_count_ = 0;
}

void Machine::add_returns(std::uint32_t stack) {
  // The pool may move when a stack is made, but none is made here.
  for (const Stacks::Return& r : stacks_.returns(stack)) {
    add({r.node, r.counter, r.node == Grammar::none ? Stacks::bottom : r.below});
  }
}

// Follows all that reads nothing from the heads added so far.
Heads Machine::close() {
  const Grammar& g = *grammar_;
  found_.clear();
  while (!work_.empty()) {
    const Head head = work_.back();
    work_.pop_back();
    if (head.node == Grammar::none) {
      found_.push_back(head);
      continue;
    }
    const Grammar::Node& node = g.nodes[head.node];
    switch (node.kind) {
      case Grammar::Kind::bytes:
      case Grammar::Kind::added:
        found_.push_back(head);
        break;
      case Grammar::Kind::atom:
        if (atom_tokens_[node.a] >= 0) {
          found_.push_back(head);
        } else if (g.atoms[node.a].spelled != Grammar::none) {
          add({g.atoms[node.a].spelled, head.counter, head.stack});
        }
        break;
      case Grammar::Kind::split:
        for (std::uint32_t k = 0; k < node.b; ++k) add({g.branches[node.a + k], head.counter, head.stack});
        break;
      case Grammar::Kind::call: {
        // A call that nothing follows needs no return of its own, so lists nested by their last member do not
        // grow.
        const bool last = g.nodes[node.b].kind == Grammar::Kind::end;
        add({g.rules[node.a], 0, last ? head.stack : stacks_.push({node.b, head.counter, head.stack})});
        break;
      }
      case Grammar::Kind::loop: {
        const Grammar::Loop& loop = g.loops[node.a];
        if (head.counter < loop.max) add({loop.body, head.counter, head.stack});
        if (head.counter >= loop.min) add({loop.exit, 0, head.stack});
        break;
      }
      case Grammar::Kind::again: {
        const Grammar::Loop& loop = g.loops[node.a];
        const bool open =
            loop.max == Grammar::unlimited;  // then nothing depends on more than the least count
        add({loop.node, open ? std::min(head.counter + 1, loop.min) : head.counter + 1, head.stack});
        break;
      }
      case Grammar::Kind::end:
        add_returns(head.stack);
        break;
    }
  }
  forget_seen();
  std::sort(found_.begin(), found_.end());
  Heads heads;
  std::vector<std::uint32_t> alike;
  for (std::size_t i = 0; i < found_.size();) {
    alike.clear();
    std::size_t k = i;
    for (; k < found_.size() && found_[k].node == found_[i].node && found_[k].counter == found_[i].counter;
         ++k) {
      alike.push_back(found_[k].stack);
    }
    heads.push_back({found_[i].node, found_[i].counter, alike.size() == 1 ? alike[0] : stacks_.unite(alike)});
    i = k;
  }
  return heads;
}

Heads Machine::start() {
  add({grammar_->rules[grammar_->root], 0, Stacks::bottom});
  return close();
}

Heads Machine::step(const Heads& heads, unsigned char byte) {
  for (const Head& head : heads) {
    if (head.node == Grammar::none) continue;
    const Grammar::Node& node = grammar_->nodes[head.node];
    if (node.kind == Grammar::Kind::bytes && grammar_->sets[node.a][byte])
      add({node.b, head.counter, head.stack});
  }
  return close();
}

Heads Machine::step_added(const Heads& heads, std::int32_t token) {
  for (const Head& head : heads) {
    for_each_added(head, [&](std::int32_t read) {
      if (read == token) add({grammar_->nodes[head.node].b, head.counter, head.stack});
    });
  }
  return close();
}

Heads Machine::returned(std::uint32_t stack) {
  add_returns(stack);
  return close();
}

}  // namespace artemis

#include "artemis/grammar/grammar.h"

#include <algorithm>
#include <map>
#include <utility>

#include "artemis/core/error.h"
#include "artemis/grammar/mask_cache.h"

namespace artemis {
namespace {

using Kind = Grammar::Kind;

// Which nodes have a way to the end of their rule, found from behind: a node is looked at again whenever one
// that it leads to has turned out to have one.
class Fruitful {
 public:
  explicit Fruitful(const Grammar& grammar)
      : grammar_(grammar), node_(grammar.nodes.size()), waiting_(grammar.nodes.size()) {
    for (std::uint32_t i = 0; i < grammar_.nodes.size(); ++i) {
      for_each_next(i, [&](std::uint32_t next) { waiting_[next].push_back(i); });
    }
    for (std::uint32_t i = 0; i < grammar_.nodes.size(); ++i) look_at(i);
    while (!work_.empty()) {
      const std::uint32_t node = work_.back();
      work_.pop_back();
      for (const std::uint32_t before : waiting_[node]) look_at(before);
    }
  }

  bool operator[](std::uint32_t node) const { return node_[node]; }

 private:
  template <typename Visit>
  void for_each_next(std::uint32_t i, const Visit& visit) const {
    const Grammar::Node& node = grammar_.nodes[i];
    switch (node.kind) {
      case Kind::end:
        break;
      case Kind::split:
        for (std::uint32_t k = 0; k < node.b; ++k) visit(grammar_.branches[node.a + k]);
        break;
      case Kind::loop:
        visit(grammar_.loops[node.a].body);
        visit(grammar_.loops[node.a].exit);
        break;
      case Kind::again:
        // Not the loop itself: whether it is left is known when its body has an end.
        visit(grammar_.loops[node.a].exit);
        break;
      case Kind::call:
        visit(grammar_.rules[node.a]);
        [[fallthrough]];
      case Kind::bytes:
      case Kind::atom:
      case Kind::added:
        visit(node.b);
        break;
    }
  }

  bool holds(std::uint32_t i) const {
    const Grammar::Node& node = grammar_.nodes[i];
    switch (node.kind) {
      case Kind::end:
        return true;
      case Kind::bytes:
        return grammar_.sets[node.a].any() && node_[node.b];
      case Kind::atom:
      case Kind::added:
        return node_[node.b];
      case Kind::call:
        return node_[grammar_.rules[node.a]] && node_[node.b];
      case Kind::again:
        return node_[grammar_.loops[node.a].exit];
      case Kind::loop: {
        const Grammar::Loop& loop = grammar_.loops[node.a];
        return node_[loop.exit] && (loop.min == 0 || node_[loop.body]);
      }
      case Kind::split:
        for (std::uint32_t k = 0; k < node.b; ++k) {
          if (node_[grammar_.branches[node.a + k]]) return true;
        }
        return false;
    }
    return false;
  }

  void look_at(std::uint32_t i) {
    if (node_[i] || !holds(i)) return;
    node_[i] = true;
    work_.push_back(i);
  }

  const Grammar& grammar_;
  std::vector<bool> node_;
  std::vector<std::vector<std::uint32_t>> waiting_;  // for each node those that lead to it
  std::vector<std::uint32_t> work_;
};

}  // namespace

ByteSet byte_range(unsigned char first, unsigned char last) {
  ByteSet set;
  for (unsigned c = first; c <= last; ++c) set.set(c);
  return set;
}

ByteSet bytes_of(std::string_view text) {
  ByteSet set;
  for (const char c : text) set.set(static_cast<unsigned char>(c));
  return set;
}

GrammarBuilder::GrammarBuilder() : grammar_(std::make_shared<Grammar>()) { add(Kind::end, 0, 0); }

GrammarBuilder::GrammarBuilder(const Grammar& grammar) : grammar_(std::make_shared<Grammar>(grammar)) {}

GrammarBuilder::Node GrammarBuilder::add(Kind kind, std::uint32_t a, std::uint32_t b) {
  require(grammar_->nodes.size() < max_nodes, "grammar", "more than {} states, make the schema smaller",
          max_nodes);
  grammar_->nodes.push_back({kind, a, b});
  grammar_->loop_of.push_back(loop_);
  return static_cast<Node>(grammar_->nodes.size() - 1);
}

GrammarBuilder::Node GrammarBuilder::bytes(const ByteSet& set, Node next) {
  std::vector<ByteSet>& sets = grammar_->sets;
  // A grammar has few sets, and the latest come again soonest.
  std::size_t at = sets.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(sets.size(), 64); ++back) {
    if (sets[sets.size() - back] == set) at = sets.size() - back;
  }
  if (at == sets.size()) sets.push_back(set);
  return add(Kind::bytes, static_cast<std::uint32_t>(at), next);
}

GrammarBuilder::Node GrammarBuilder::byte(char c, Node next) { return bytes(bytes_of({&c, 1}), next); }

GrammarBuilder::Node GrammarBuilder::literal(std::string_view text, Node next) {
  for (std::size_t i = text.size(); i > 0; --i) next = byte(text[i - 1], next);
  return next;
}

// The texts in order are walked from the last to the first; `open` holds, for each length of the current
// text's beginning, the branches that follow it.
GrammarBuilder::Node GrammarBuilder::one_of(std::vector<std::string> texts, Node next) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  std::vector<std::vector<Node>> open(1);
  for (std::size_t t = texts.size(); t > 0; --t) {
    const std::string& text = texts[t - 1];
    const std::string_view before = t > 1 ? std::string_view(texts[t - 2]) : std::string_view();
    const auto differ = std::mismatch(text.begin(), text.end(), before.begin(), before.end());
    const auto shared = static_cast<std::size_t>(differ.first - text.begin());
    open.resize(std::max(open.size(), text.size() + 1));
    open[text.size()].push_back(next);
    for (std::size_t length = text.size(); length > shared; --length) {
      const Node rest = open[length].size() == 1 ? open[length].front() : split(open[length]);
      open[length].clear();
      open[length - 1].push_back(byte(text[length - 1], rest));
    }
  }
  return open[0].size() == 1 ? open[0].front() : split(open[0]);
}

GrammarBuilder::Node GrammarBuilder::atom(std::string_view text, Node next) {
  return add(Kind::atom, add_atom(text, literal(text, next)), next);
}

GrammarBuilder::Node GrammarBuilder::token(std::string_view spelling, Node next) {
  return add(Kind::atom, add_atom(spelling, Grammar::none), next);
}

GrammarBuilder::Node GrammarBuilder::added_but(std::string_view spelling, Node next) {
  return add(Kind::added, add_atom(spelling, Grammar::none), next);
}

std::uint32_t GrammarBuilder::add_atom(std::string_view text, std::uint32_t spelled) {
  grammar_->atoms.push_back({std::string(text), spelled});
  return static_cast<std::uint32_t>(grammar_->atoms.size() - 1);
}

GrammarBuilder::Node GrammarBuilder::split(const std::vector<Node>& branches) {
  const auto first = static_cast<std::uint32_t>(grammar_->branches.size());
  require(first + branches.size() < 4 * max_nodes, "grammar",
          "more than {} branches, make the schema smaller", 4 * max_nodes);
  grammar_->branches.insert(grammar_->branches.end(), branches.begin(), branches.end());
  return add(Kind::split, first, static_cast<std::uint32_t>(branches.size()));
}

GrammarBuilder::Node GrammarBuilder::repeat(std::uint32_t min, std::uint32_t max, const Part& part,
                                            Node next) {
  if (max == 0) return next;
  if (max == 1) return min == 1 ? part(next) : optional(part, next);
  if (max == Grammar::unlimited && min <= 1) {
    const Node again = split({next, next});  // the first becomes the part
    const Node begin = part(again);
    grammar_->branches[grammar_->nodes[again].a] = begin;
    return min == 0 ? again : begin;
  }
  if (loop_ == Grammar::none) return counted(min, max, part, next);
  return call(rule([&](Node end) { return counted(min, max, part, end); }), next);
}

GrammarBuilder::Node GrammarBuilder::counted(std::uint32_t min, std::uint32_t max, const Part& part,
                                             Node next) {
  const auto index = static_cast<std::uint32_t>(grammar_->loops.size());
  const Node node = add(Kind::loop, index, 0);
  grammar_->loops.push_back({min, max, node, 0, next});
  loop_ = index;
  const Node body = part(add(Kind::again, index, 0));
  loop_ = Grammar::none;
  grammar_->loops[index].body = body;
  return node;
}

GrammarBuilder::Node GrammarBuilder::call(Rule rule, Node next) { return add(Kind::call, rule, next); }

GrammarBuilder::Rule GrammarBuilder::declare() {
  grammar_->rules.push_back(end());
  return static_cast<Rule>(grammar_->rules.size() - 1);
}

void GrammarBuilder::define(Rule rule, const Part& part) {
  const std::uint32_t loop = std::exchange(loop_, Grammar::none);
  const Node begin = part(end());
  grammar_->rules[rule] = begin;
  loop_ = loop;
}

GrammarBuilder::Rule GrammarBuilder::rule(const Part& part) {
  const Rule made = declare();
  define(made, part);
  return made;
}

void GrammarBuilder::share(std::shared_ptr<MaskCache> masks) {
  grammar_->common = static_cast<std::uint32_t>(grammar_->nodes.size());
  grammar_->common_masks = std::move(masks);
}

std::shared_ptr<const Grammar> GrammarBuilder::finish(Rule root) {
  grammar_->root = root;
  const Fruitful fruitful(*grammar_);
  if (!fruitful[grammar_->rules[root]]) return nullptr;
  for (Grammar::Node& node : grammar_->nodes) {
    if (node.kind != Kind::split) continue;
    const auto begin = grammar_->branches.begin() + node.a;
    const auto end =
        std::remove_if(begin, begin + node.b, [&](std::uint32_t next) { return !fruitful[next]; });
    node.b = static_cast<std::uint32_t>(end - begin);
  }
  for (Grammar::Loop& loop : grammar_->loops) {
    if (!fruitful[loop.body]) loop.max = 0;
  }
  grammar_->masks = std::make_shared<MaskCache>();
  return std::move(grammar_);
}

}  // namespace artemis

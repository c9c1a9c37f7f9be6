// A grammar over bytes: rules, each a little automaton whose nodes read bytes, branch, repeat and call rules.
// With the returns of the calls on a stack it is a pushdown automaton, which machine.h runs.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

class MaskCache;

using ByteSet = std::bitset<256>;

// The bytes from `first` to `last`, both counted in.
ByteSet byte_range(unsigned char first, unsigned char last);
// The bytes of a text.
ByteSet bytes_of(std::string_view text);

// Compiled once, immutable (but for what it remembers of token masks), shared by threads.
class Grammar {
 public:
  enum class Kind : std::uint8_t {
    bytes,  // reads a byte of the set `a`, goes on at b
    atom,   // reads the token that the atom `a` names, goes on at b
    added,  // reads any added token but the one that the atom `a` names, goes on at b
    split,  // goes on at each of b nodes from branches[a] on
    call,   // goes through the rule `a`, then on at b
    loop,   // loops[a]: once more through the body, or out of it
    again,  // the end of the body of loops[a]: counts
    end     // the end of a rule
  };
  struct Node {
    Kind kind = Kind::end;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
  };
  // A counted repetition; loops of one rule never lie in each other, so one counter is enough for a rule.
  struct Loop {
    std::uint32_t min = 0;
    std::uint32_t max = 0;  // unlimited: none
    std::uint32_t node = 0;
    std::uint32_t body = 0;
    std::uint32_t exit = 0;
  };
  // A text that is one token where the vocabulary has it as an added token, and is spelled out elsewhere.
  struct Atom {
    std::string text;
    std::uint32_t spelled = 0;  // where its bytes begin; none: it is read as a token alone
  };

  static constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  std::vector<Node> nodes;
  std::vector<std::uint32_t> loop_of;  // for each node the loop in whose body it lies, or none
  std::vector<ByteSet> sets;
  std::vector<std::uint32_t> branches;
  std::vector<Loop> loops;
  std::vector<Atom> atoms;
  std::vector<std::uint32_t> rules;  // where each begins
  std::uint32_t root = 0;            // a rule
  std::shared_ptr<MaskCache> masks;
  // The first nodes, which other grammars have too, and what all of them remember of these.
  std::uint32_t common = 0;
  std::shared_ptr<MaskCache> common_masks;
};

// Builds a grammar from behind: each call takes the node that follows and gives the one that begins. Throws
// Error where the grammar grows beyond its bounds.
class GrammarBuilder {
 public:
  using Node = std::uint32_t;
  using Rule = std::uint32_t;
  // From the node that follows a thing to the thing's first.
  using Part = std::function<Node(Node next)>;

  static constexpr std::size_t max_nodes = 1 << 19;

  GrammarBuilder();
  // One that begins with all of a grammar, under its numbers.
  explicit GrammarBuilder(const Grammar& grammar);

  Node end() const { return 0; }
  Node bytes(const ByteSet& set, Node next);
  Node byte(char c, Node next);
  Node literal(std::string_view text, Node next);
  // One of the texts; common beginnings are read once.
  Node one_of(std::vector<std::string> texts, Node next);
  Node atom(std::string_view text, Node next);
  // The added token of this spelling; nothing where the vocabulary has none.
  Node token(std::string_view spelling, Node next);
  // Any other added token.
  Node added_but(std::string_view spelling, Node next);
  Node split(const std::vector<Node>& branches);
  Node optional(const Part& part, Node next) { return split({part(next), next}); }
  // `part` from min to max times; `max` may be Grammar::unlimited. A part that may be empty is allowed only
  // for (0 or 1, unlimited) and (0, 1).
  Node repeat(std::uint32_t min, std::uint32_t max, const Part& part, Node next);
  Node call(Rule rule, Node next);

  // A rule is declared, called, and defined once; the part's `next` is the rule's end.
  Rule declare();
  void define(Rule rule, const Part& part);
  Rule rule(const Part& part);

  // The nodes so far are the same in every grammar that shares `masks`, and lead to none that comes later.
  void share(std::shared_ptr<MaskCache> masks);

  // The grammar of `root`. Branches from which no text ends are cut off; null where nothing is left.
  std::shared_ptr<const Grammar> finish(Rule root);

 private:
  Node add(Grammar::Kind kind, std::uint32_t a, std::uint32_t b);
  std::uint32_t add_atom(std::string_view text, std::uint32_t spelled);
  Node counted(std::uint32_t min, std::uint32_t max, const Part& part, Node next);

  std::shared_ptr<Grammar> grammar_;
  std::uint32_t loop_ = Grammar::none;  // in whose body nodes are being added
};

}  // namespace artemis

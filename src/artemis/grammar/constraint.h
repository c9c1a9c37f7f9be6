// What an answer may say: a grammar over bytes, and the tokens that go on within it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "artemis/grammar/machine.h"
#include "artemis/grammar/token_bytes.h"

namespace artemis {

// Any JSON object. Between the parts of JSON stands nothing, one space, or a new line with at most 40 spaces.
std::shared_ptr<const Grammar> json_object_grammar();

// One answer on its way through a grammar. Not for several threads at once; a copy goes its own way.
//
// As long as the vocabulary has a token for each byte, either may_end() holds or some token is allowed. All
// may throw Error for a text that a grammar can read in more ways than can be followed.
class Constraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenBytes> tokens);

  // Sets bit t % 32 of word t / 32 for every token t whose bytes keep the text within the grammar, clears all
  // others; (vocab + 31) / 32 words. Added tokens are never allowed but where the grammar names them.
  void allowed(std::span<std::uint32_t> mask);
  // Whether the text so far is complete. More may be allowed all the same.
  bool may_end() const { return !heads_.empty() && heads_.back().node == Grammar::none; }
  // Takes a token; false, and nothing changed, where it is not allowed.
  bool accept(std::int32_t token);

  // Where the answer stands, and back to there: for tokens taken on trial.
  const Heads& mark() const { return heads_; }
  void rewind(Heads mark) { heads_ = std::move(mark); }

  const TokenBytes& tokens() const { return *tokens_; }

 private:
  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenBytes> tokens_;
  Machine machine_;
  Heads heads_;
};

}  // namespace artemis

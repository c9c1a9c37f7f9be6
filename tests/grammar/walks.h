// Answers drawn at random within a grammar.
#pragma once

#include <memory>
#include <string>

#include "artemis/grammar/constraint.h"

namespace artemis {

struct Walk {
  std::string text;
  bool complete = false;  // it may end there
};

// At most `steps` allowed tokens drawn at random; it ends where it may with a chance of a half. Past half of
// the steps it takes what leads out: closing marks where they are allowed.
Walk random_walk(const std::shared_ptr<const Grammar>& grammar,
                 const std::shared_ptr<const TokenBytes>& tokens, std::uint64_t seed, int steps);

// On a random walk, where the mask differs from what accept() takes; empty for nowhere.
std::string mask_fault(const std::shared_ptr<const Grammar>& grammar,
                       const std::shared_ptr<const TokenBytes>& tokens, std::uint64_t seed, int steps);

}  // namespace artemis

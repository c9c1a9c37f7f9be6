#include "walks.h"

#include <fmt/format.h>

#include "artemis/core/random.h"
#include "vocabularies.h"

namespace artemis {

Walk random_walk(const std::shared_ptr<const Grammar>& grammar,
                 const std::shared_ptr<const TokenBytes>& tokens, std::uint64_t seed, int steps) {
  Random random(seed);
  Constraint constraint(grammar, tokens);
  Walk walk;
  for (int step = 0; step < steps; ++step) {
    walk.complete = constraint.may_end();
    const std::vector<std::int32_t> ids = ids_of(mask_of(constraint));
    if (ids.empty() || (walk.complete && random.below(2) == 0)) break;
    std::int32_t id = ids[random.below(ids.size())];
    if (step > steps / 8) {
      for (const char close : {'"', ']', '}', 'n'}) {
        for (const std::int32_t allowed : ids) {
          if (allowed == close) id = allowed;
        }
      }
    }
    if (!constraint.accept(id)) return {};  // no walk of this length is complete
    walk.text += tokens->bytes(id);
  }
  return walk;
}

std::string mask_fault(const std::shared_ptr<const Grammar>& grammar,
                       const std::shared_ptr<const TokenBytes>& tokens, std::uint64_t seed, int steps) {
  Random random(seed);
  Constraint constraint(grammar, tokens);
  std::string text;
  for (int step = 0; step < steps; ++step) {
    const std::vector<std::uint32_t> mask = mask_of(constraint);
    const Heads here = constraint.mark();
    for (std::int32_t id = 0; id < tokens->vocab(); ++id) {
      const bool allowed = ((mask[static_cast<std::size_t>(id) / 32] >> (id % 32)) & 1u) != 0;
      if (constraint.accept(id) != allowed) {
        return fmt::format("token {} '{}' behind '{}': in the mask {}", id, tokens->bytes(id), text, allowed);
      }
      constraint.rewind(here);
    }
    const std::vector<std::int32_t> ids = ids_of(mask);
    if (ids.empty()) return constraint.may_end() ? "" : fmt::format("nothing goes on behind '{}'", text);
    const std::int32_t id = ids[random.below(ids.size())];
    constraint.accept(id);
    text += tokens->bytes(id);
  }
  return "";
}

}  // namespace artemis

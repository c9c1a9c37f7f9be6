#include "artemis/grammar/mask_cache.h"

#include <utility>

namespace artemis {

std::uint32_t count_in_sight(const Grammar::Loop& loop, std::uint32_t counter, std::size_t longest) {
  if (counter + longest < loop.min) return loop.min - static_cast<std::uint32_t>(longest) - 1;
  if (counter >= loop.min && loop.max != Grammar::unlimited && counter + longest < loop.max) {
    return std::max(loop.min, loop.max - static_cast<std::uint32_t>(longest) - 1);
  }
  return counter;
}

std::shared_ptr<const NodeMask> MaskCache::get(const std::shared_ptr<const Grammar>& grammar,
                                               const TokenBytes& tokens, const Head& head) {
  const std::uint32_t loop = grammar->loop_of[head.node];
  const std::uint32_t counter = loop == Grammar::none
                                    ? head.counter
                                    : count_in_sight(grammar->loops[loop], head.counter, tokens.longest());
  const Key key{tokens.serial(), head.node, counter};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(key); found != places_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return entries_.front().mask;
    }
  }
  std::shared_ptr<const NodeMask> mask = node_mask(grammar, tokens, head.node, counter);
  const std::lock_guard lock(mutex_);
  if (places_.contains(key)) return mask;
  entries_.push_front({key, mask});
  places_[key] = entries_.begin();
  bytes_ += mask->memory();
  while (bytes_ > max_bytes && entries_.size() > 1) {
    bytes_ -= entries_.back().mask->memory();
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return mask;
}

std::shared_ptr<const NodeMask> mask_of_head(const std::shared_ptr<const Grammar>& grammar,
                                             const TokenBytes& tokens, const Head& head) {
  return (head.node < grammar->common ? grammar->common_masks : grammar->masks)->get(grammar, tokens, head);
}

}  // namespace artemis

// The masks of a grammar's nodes that were needed before.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "artemis/grammar/token_mask.h"

namespace artemis {

// Of the masks the ones used longest ago are forgotten where they take more than `max_bytes`. For any thread.
class MaskCache {
 public:
  static constexpr std::size_t max_bytes = std::size_t{64} << 20;

  // The mask of a head, made now if it must be.
  std::shared_ptr<const NodeMask> get(const std::shared_ptr<const Grammar>& grammar, const TokenBytes& tokens,
                                      const Head& head);

 private:
  using Key = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>;  // vocabulary, node, counter
  struct Entry {
    Key key;
    std::shared_ptr<const NodeMask> mask;
  };

  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest used first
  std::map<Key, std::list<Entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

// The mask of a head of this grammar, from the cache that has its node.
std::shared_ptr<const NodeMask> mask_of_head(const std::shared_ptr<const Grammar>& grammar,
                                             const TokenBytes& tokens, const Head& head);

// A count that stands for `counter` in a loop: no text of at most `longest` bytes can tell them apart, as
// each turn reads a byte at least. So the masks of a string of at most a million characters are few.
std::uint32_t count_in_sight(const Grammar::Loop& loop, std::uint32_t counter, std::size_t longest);

}  // namespace artemis

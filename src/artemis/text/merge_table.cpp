#include "artemis/text/merge_table.h"

#include <algorithm>
#include <bit>

namespace artemis {

MergeTable::MergeTable(std::size_t capacity)
    : mask_(std::bit_ceil(std::max<std::size_t>(16, capacity * 2)) - 1), slots_(mask_ + 1) {}

void MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t slot = slot_of(key);
  while (slots_[slot].key != no_key && slots_[slot].key != key) slot = (slot + 1) & mask_;
  slots_[slot] = {key, merge};
}

}  // namespace artemis

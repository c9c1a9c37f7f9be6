// The merges of a byte-pair encoding, found by the pair of tokens.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace artemis {

struct Merge {
  std::int32_t rank;  // the lowest is merged first
  std::int32_t id;    // of the token that the two become
};

// An open-addressed table, at most half full.
class MergeTable {
 public:
  MergeTable() : MergeTable(0) {}
  explicit MergeTable(std::size_t capacity);

  // Of two merges of one pair the later stands. At most `capacity` pairs.
  void set(std::int32_t left, std::int32_t right, Merge merge);

  // The merge of a pair, or null.
  const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t slot = slot_of(key); slots_[slot].key != no_key; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key) return &slots_[slot].merge;
    }
    return nullptr;
  }

 private:
  static constexpr std::uint64_t no_key = std::numeric_limits<std::uint64_t>::max();

  struct Slot {
    std::uint64_t key = no_key;
    Merge merge{};
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  // Fibonacci hashing: the upper bits of a product with 2^64 over the golden ratio.
  std::size_t slot_of(std::uint64_t key) const {
    const std::uint64_t mixed = (key ^ (key >> 29)) * 0x9E3779B97F4A7C15ull;
    return static_cast<std::size_t>(mixed >> 32) & mask_;
  }

  std::size_t mask_;
  std::vector<Slot> slots_;
};

}  // namespace artemis

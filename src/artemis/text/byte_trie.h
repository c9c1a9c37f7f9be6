// Finding the longest of many texts at a place.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace artemis {

class ByteTrie {
 public:
  struct Match {
    std::size_t length;
    std::size_t value;
  };

  ByteTrie() { first_.fill(none); }

  // `text` is not empty; of two equal texts the first one's value stands.
  void add(std::string_view text, std::size_t value);

  // The longest text that begins at `at`.
  std::optional<Match> longest(std::string_view text, std::size_t at) const;

  bool empty() const { return values_.empty(); }

 private:
  static constexpr std::int32_t none = -1;

  std::int32_t child(std::int32_t node, unsigned char byte) const;
  std::int32_t new_node();

  std::array<std::int32_t, 256> first_{};                     // the node after a first byte
  std::unordered_map<std::uint64_t, std::int32_t> children_;  // by node and byte
  std::vector<std::optional<std::size_t>> values_;            // of the text that ends at a node
};

}  // namespace artemis

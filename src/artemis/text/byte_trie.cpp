#include "artemis/text/byte_trie.h"

namespace artemis {
namespace {

std::uint64_t edge(std::int32_t node, unsigned char byte) {
  return (static_cast<std::uint64_t>(node) << 8) | byte;
}

}  // namespace

std::int32_t ByteTrie::new_node() {
  values_.emplace_back();
  return static_cast<std::int32_t>(values_.size()) - 1;
}

std::int32_t ByteTrie::child(std::int32_t node, unsigned char byte) const {
  const auto found = children_.find(edge(node, byte));
  return found == children_.end() ? none : found->second;
}

void ByteTrie::add(std::string_view text, std::size_t value) {
  std::int32_t& begin = first_[static_cast<unsigned char>(text[0])];
  if (begin == none) begin = new_node();
  std::int32_t node = begin;
  for (const char c : text.substr(1)) {
    const auto byte = static_cast<unsigned char>(c);
    std::int32_t next = child(node, byte);
    if (next == none) {
      next = new_node();
      children_.emplace(edge(node, byte), next);
    }
    node = next;
  }
  std::optional<std::size_t>& place = values_[static_cast<std::size_t>(node)];
  if (!place) place = value;
}

std::optional<ByteTrie::Match> ByteTrie::longest(std::string_view text, std::size_t at) const {
  std::optional<Match> best;
  std::int32_t node = first_[static_cast<unsigned char>(text[at])];
  for (std::size_t length = 1; node != none; ++length) {
    if (const auto& value = values_[static_cast<std::size_t>(node)]) best = Match{length, *value};
    if (at + length == text.size()) break;
    node = child(node, static_cast<unsigned char>(text[at + length]));
  }
  return best;
}

}  // namespace artemis

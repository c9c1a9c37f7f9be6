// The bytes of each token of a vocabulary, and a trie over them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/text/tokenizer.h"

namespace artemis {

// Made once for a model, immutable, shared by threads. Added tokens (<tool_call>, </s>, ...) stand outside
// the trie: a grammar allows them by name alone. Ids without bytes are never allowed.
class TokenBytes {
 public:
  // The tokens of a byte-level tokenizer; `vocab` is the length of a row of logits (0: the tokenizer's size).
  // Throws Error for a tokenizer of another kind.
  explicit TokenBytes(const Tokenizer& tokenizer, std::int64_t vocab = 0);
  // The bytes by id, and added tokens by their spelling (their bytes are not looked at).
  TokenBytes(std::vector<std::string> bytes, std::unordered_map<std::string, std::int32_t> added);

  std::int64_t vocab() const { return static_cast<std::int64_t>(bytes_.size()); }
  // Empty for an added token.
  const std::string& bytes(std::int32_t id) const { return bytes_[static_cast<std::size_t>(id)]; }
  std::optional<std::int32_t> added(const std::string& spelling) const;
  std::span<const std::int32_t> added() const { return added_ids_; }  // all of them, rising
  std::size_t longest() const { return longest_; }
  // Differs between any two of this process.
  std::uint64_t serial() const { return serial_; }

  // The trie in depth-first order. Node 0 is the root; `skip` is the first node that is not below this one.
  struct Node {
    std::uint32_t skip = 0;
    std::uint32_t first_token = 0;  // in tokens(); those of this node end where the next node's begin
    std::uint16_t depth = 0;
    unsigned char byte = 0;  // that leads here
  };
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const std::int32_t> tokens() const { return tokens_; }
  std::span<const std::int32_t> tokens_at(std::size_t node) const {
    const std::size_t end = node + 1 < nodes_.size() ? nodes_[node + 1].first_token : tokens_.size();
    return std::span(tokens_).subspan(nodes_[node].first_token, end - nodes_[node].first_token);
  }

 private:
  void build();

  std::vector<std::string> bytes_;
  std::unordered_map<std::string, std::int32_t> added_;
  std::vector<std::int32_t> added_ids_;
  std::vector<Node> nodes_;
  std::vector<std::int32_t> tokens_;  // by their bytes
  std::size_t longest_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace artemis

#include "artemis/grammar/token_bytes.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {

TokenBytes::TokenBytes(const Tokenizer& tokenizer, std::int64_t vocab) {
  const std::int64_t known = tokenizer.vocab_size();
  bytes_.resize(static_cast<std::size_t>(vocab == 0 ? known : vocab));
  for (const AddedToken& token : tokenizer.added_tokens()) {
    if (token.id < this->vocab()) added_[token.content] = token.id;
  }
  std::vector<bool> is_added(bytes_.size());
  for (const auto& [spelling, id] : added_) is_added[static_cast<std::size_t>(id)] = true;
  for (std::int32_t id = 0; id < std::min(known, this->vocab()); ++id) {
    const auto place = static_cast<std::size_t>(id);
    if (!is_added[place]) bytes_[place] = tokenizer.token_bytes(id);
  }
  build();
}

TokenBytes::TokenBytes(std::vector<std::string> bytes, std::unordered_map<std::string, std::int32_t> added)
    : bytes_(std::move(bytes)), added_(std::move(added)) {
  for (const auto& [spelling, id] : added_) {
    ARTEMIS_ASSERT(id >= 0 && id < vocab());
    bytes_[static_cast<std::size_t>(id)].clear();
  }
  build();
}

std::optional<std::int32_t> TokenBytes::added(const std::string& spelling) const {
  const auto found = added_.find(spelling);
  return found == added_.end() ? std::nullopt : std::optional(found->second);
}

void TokenBytes::build() {
  static std::atomic<std::uint64_t> made{0};
  serial_ = ++made;
  for (const auto& [spelling, id] : added_) added_ids_.push_back(id);
  std::sort(added_ids_.begin(), added_ids_.end());
  for (std::int32_t id = 0; id < vocab(); ++id) {
    if (!bytes(id).empty()) tokens_.push_back(id);
    longest_ = std::max(longest_, bytes(id).size());
  }
  require(longest_ < std::numeric_limits<std::uint16_t>::max(), "tokenizer",
          "has a token of {} bytes, at most {}", longest_, std::numeric_limits<std::uint16_t>::max() - 1);
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [&](std::int32_t a, std::int32_t b) { return bytes(a) < bytes(b); });
  nodes_.push_back({});
  std::vector<std::uint32_t> path{0};  // the nodes of the current token's bytes
  const auto close = [&](std::size_t length) {
    for (; path.size() > length + 1; path.pop_back()) {
      nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  for (std::size_t t = 0; t < tokens_.size(); ++t) {
    const std::string& text = bytes(tokens_[t]);
    std::size_t shared = 0;
    while (shared < std::min(text.size(), path.size() - 1) &&
           nodes_[path[shared + 1]].byte == static_cast<unsigned char>(text[shared])) {
      ++shared;
    }
    close(shared);
    for (std::size_t i = shared; i < text.size(); ++i) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(t), static_cast<std::uint16_t>(i + 1),
                        static_cast<unsigned char>(text[i])});
    }
  }
  close(0);
  nodes_[0].skip = static_cast<std::uint32_t>(nodes_.size());
}

}  // namespace artemis

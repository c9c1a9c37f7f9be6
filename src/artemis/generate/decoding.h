// Several conversations that go on side by side over one paged cache.
#pragma once

#include <span>
#include <vector>

#include "artemis/model/graft.h"

namespace artemis {

// The next tokens of one conversation.
struct Turn {
  std::size_t sequence;
  std::span<const std::int32_t> tokens;
};

// The cache and the memory of the steps are planned before the first.
class Decoding {
 public:
  // One conversation for each of `max_tokens`, which bounds its length. All arguments but that must outlive
  // it.
  Decoding(Context& ctx, const Graft& model, const GraftConfig& config,
           std::span<const std::int64_t> max_tokens);

  // One pass: each turn follows what its conversation has had so far; `features` are those of the turns'
  // image tokens, in order (undefined: none). A conversation has at most one turn in a pass. Returns logits
  // (turns, vocab) f32 on the host, of the token after each turn, valid until the next pass.
  Tensor advance(std::span<const Turn> turns, const Tensor& features);

 private:
  struct Sequence {
    std::int32_t first_page;
    std::int32_t pages;
    std::int64_t length = 0;
  };

  void lay_out(std::span<const Turn> turns);
  Tensor page_table(std::span<const Turn> turns);

  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  DType dtype_;
  KvCache cache_;
  std::vector<Sequence> sequences_;
  Tensor logits_;
  TextBatch batch_;
  std::vector<std::int32_t> lengths_;  // of each turn's conversation, the turn included
  std::vector<std::int32_t> rows_;     // of the cache, for each token
};

}  // namespace artemis

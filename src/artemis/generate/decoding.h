// Several conversations that go on side by side over one paged cache.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "artemis/core/gpu.h"
#include "artemis/kernels/sampling.h"
#include "artemis/model/graft.h"

namespace artemis {

// The next tokens of one conversation.
struct Turn {
  std::size_t sequence;
  std::span<const std::int32_t> tokens;
};

// The cache and the memory of the steps are planned before the first. On a GPU a pass of one token for each
// conversation is recorded once for each number of conversations, and launched as a whole from then on.
class Decoding {
 public:
  // One conversation for each of `max_tokens`, which bounds its length. All arguments but that must outlive
  // it.
  Decoding(Context& ctx, const Graft& model, const GraftConfig& config,
           std::span<const std::int64_t> max_tokens);

  // One pass: each turn follows what its conversation has had so far; `features` are those of the turns'
  // image tokens, in order (undefined: none). A conversation has at most one turn in a pass.
  void advance(std::span<const Turn> turns, const Tensor& features);

  // From here on each conversation's tokens are kept, for a repetition penalty. Before the first pass.
  void keep_history();

  // Of the token after each turn of the last pass, valid until the next call: the id of the largest logit,
  // the lower of equal ones (-1: none is a number).
  std::span<const std::int32_t> likeliest();
  // Or an id that is drawn, once for each pass, as sample_rows() does; seen_row is the conversation.
  std::span<const std::int32_t> sample(std::span<const RowSampling> rows);

 private:
  struct Sequence {
    std::int32_t first_page;
    std::int32_t pages;
    std::int64_t length = 0;
  };

  // Where a pass of one token for each conversation finds what changes from pass to pass; on the device.
  struct Slots {
    Tensor values;  // (4 * conversations) i32: input_ids, positions, lengths, rows of the cache
    Tensor page_table;
    Tensor offsets;
    Tensor frequencies;
    std::vector<std::size_t> conversations;  // whose pages page_table holds
    std::vector<std::int32_t> staging;       // values on the host

    Tensor column(std::int64_t which, std::int64_t count) const;
  };

  // A pass over the slots, recorded. Its intermediate results lie in the arena from `arena_used` on.
  struct Recorded {
    std::unique_ptr<GpuGraph> graph;
    std::size_t arena_used = 0;
  };

  void lay_out(std::span<const Turn> turns);
  void remember(std::span<const Turn> turns);
  std::vector<std::int32_t> page_table(std::span<const Turn> turns, std::int32_t pages) const;
  void advance_any(std::span<const Turn> turns, const Tensor& features);
  void advance_by_one(std::span<const Turn> turns);
  void fill_slots(std::span<const Turn> turns);
  void pass_over_slots(std::int64_t count);
  void finish(const Tensor& hidden, std::int64_t count);
  std::span<const std::int32_t> to_host(const Tensor& ids);

  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  DType dtype_;
  KvCache cache_;
  std::vector<Sequence> sequences_;
  std::int32_t most_pages_ = 0;  // of one conversation
  Tensor logits_;                // (conversations, vocab) f32
  Tensor likeliest_;             // (conversations) i32
  Tensor sampled_;               // the same
  Tensor seen_;                  // (conversations, vocab) u8; undefined: no history is kept
  std::vector<std::int32_t> ids_on_host_;
  std::int64_t turns_ = 0;  // of the last pass
  TextBatch batch_;
  std::vector<std::int32_t> lengths_;  // of each turn's conversation, the turn included
  std::vector<std::int32_t> rows_;     // of the cache, for each token
  Slots slots_;
  std::map<std::int64_t, Recorded> recorded_;  // by the number of turns
};

}  // namespace artemis

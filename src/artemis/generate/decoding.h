// Passes over the tokens of several conversations, whose earlier ones lie in one paged cache.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "artemis/core/gpu.h"
#include "artemis/kernels/logits.h"
#include "artemis/kernels/sampling.h"
#include "artemis/model/graft.h"

namespace artemis {

// The next tokens of one conversation.
struct Turn {
  std::span<const std::int32_t> pages;   // where its tokens lie, in order; with room for the next ones
  std::int64_t before = 0;               // of its tokens are in the cache
  std::span<const std::int32_t> tokens;  // the next ones, at least one
  std::int64_t outputs = 1;              // the last of them, of which logits are made; at least one
};

// What stands in the place of tokens' embeddings: features[i] (any, hidden_size) at the places[i]-th token of
// a pass. An image token without features is a token like others (a model may say one).
struct PictureRows {
  Tensor features;
  std::vector<std::int32_t> places;
};

// What is taken of the device's memory once, before the first pass.
struct DecodingSize {
  std::int64_t turns = 1;       // at the most in a pass
  std::int64_t outputs = 1;     // likewise, of all turns
  std::int64_t pages = 1;       // of the cache
  std::int64_t turn_pages = 1;  // of one conversation at the most
};

// Which tokens lie where is the caller's to know. On a GPU a pass of one token for each turn is recorded once
// for each number of turns, and launched as a whole from then on.
class Decoding {
 public:
  static constexpr std::int64_t page_size = 64;  // tokens
  static std::int64_t pages_for(std::int64_t tokens) { return (tokens + page_size - 1) / page_size; }
  // Bytes of a page in all layers.
  static std::size_t page_bytes(const TextConfig& config, DType dtype);

  // All arguments but `size` must outlive it.
  Decoding(Context& ctx, const Graft& model, const GraftConfig& config, const DecodingSize& size);

  // One pass: each turn follows what its conversation has had so far. Throws Error for an id outside the
  // vocabulary.
  void advance(std::span<const Turn> turns, const PictureRows& pictures);

  // The logits (outputs, vocab) f32 of the last pass, turn after turn; they may be changed before a draw.
  Tensor logits() const { return logits_.rows(0, outputs_); }
  // Of each row of these logits, valid until the next call: the id of the largest, as the pass left them, the
  // lower of equal ones (-1: none is a number).
  std::span<const std::int32_t> likeliest();
  // Or an id that is drawn, once for each pass, as sample_rows() does.
  std::span<const std::int32_t> sample(std::span<const RowSampling> rows);

 private:
  // Where a pass of one token for each turn finds what changes from pass to pass; on the device.
  struct Slots {
    Tensor values;  // (4 * turns) i32: input_ids, positions, lengths, rows of the cache
    Tensor page_table;
    Tensor offsets;
    Tensor frequencies;
    std::vector<std::vector<std::int32_t>> pages;  // what page_table holds of each turn
    std::vector<std::int32_t> staging;             // values on the host

    Tensor column(std::int64_t which, std::int64_t count) const;
  };

  // A pass over the slots, recorded. Its intermediate results lie in the arena from `arena_used` on.
  struct Recorded {
    std::unique_ptr<GpuGraph> graph;
    std::size_t arena_used = 0;
  };

  void lay_out(std::span<const Turn> turns);
  void advance_any(std::span<const Turn> turns, const PictureRows& pictures);
  void advance_by_one(std::span<const Turn> turns);
  void fill_slots(std::span<const Turn> turns);
  void pass_over_slots(std::int64_t count);
  void finish(const Tensor& hidden);
  std::span<const std::int32_t> to_host(const Tensor& ids);

  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  DType dtype_;
  DecodingSize size_;
  KvCache cache_;
  Tensor logits_;     // (outputs, vocab) f32
  Tensor likeliest_;  // (outputs) i32
  Tensor sampled_;    // the same
  std::vector<std::int32_t> ids_on_host_;
  std::int64_t outputs_ = 0;  // of the last pass
  TextBatch batch_;
  std::vector<std::int32_t> lengths_;      // of each turn's conversation, the turn included
  std::vector<std::int32_t> rows_;         // of the cache, for each token
  std::vector<std::int32_t> output_rows_;  // of the batch
  std::vector<std::int32_t> page_table_;   // (turns, the most pages of one)
  Slots slots_;
  std::map<std::int64_t, Recorded> recorded_;  // by the number of turns
};

}  // namespace artemis

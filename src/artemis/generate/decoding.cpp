#include "artemis/generate/decoding.h"

#include <algorithm>

#include "artemis/kernels/linear.h"

namespace artemis {
namespace {

constexpr std::int32_t page_size = 64;

}  // namespace

Decoding::Decoding(Context& ctx, const Graft& model, const GraftConfig& config,
                   std::span<const std::int64_t> max_tokens)
    : ctx_(ctx), model_(model), config_(config), dtype_(model.language_model.embed_tokens.dtype()) {
  std::int32_t pages = 0;
  for (const std::int64_t tokens : max_tokens) {
    const auto own = static_cast<std::int32_t>((tokens + page_size - 1) / page_size);
    sequences_.push_back({.first_page = pages, .pages = own});
    pages += own;
  }
  const TextConfig& text = config.text;
  cache_ = KvCache(dtype_, text.num_hidden_layers, pages, page_size, text.num_key_value_heads * text.head_dim,
                   ctx.device());
  logits_ = Tensor::allocate(DType::f32, {static_cast<std::int64_t>(max_tokens.size()), text.vocab_size},
                             ctx.device());
}

// The turns one after the other, each token with its position and its row of the cache: the pages of a
// conversation lie in order.
void Decoding::lay_out(std::span<const Turn> turns) {
  batch_.input_ids.clear();
  batch_.positions.clear();
  batch_.offsets.assign({0});
  lengths_.clear();
  rows_.clear();
  for (const Turn& turn : turns) {
    Sequence& sequence = sequences_[turn.sequence];
    const auto before = static_cast<std::int32_t>(sequence.length);
    const auto after = before + static_cast<std::int32_t>(turn.tokens.size());
    ARTEMIS_ASSERT(!turn.tokens.empty() && after <= sequence.pages * page_size);
    for (std::int32_t position = before; position < after; ++position) {
      batch_.positions.push_back(position);
      rows_.push_back(sequence.first_page * page_size + position);
    }
    batch_.input_ids.insert(batch_.input_ids.end(), turn.tokens.begin(), turn.tokens.end());
    batch_.offsets.push_back(static_cast<std::int32_t>(batch_.input_ids.size()));
    lengths_.push_back(after);
    sequence.length = after;
  }
}

// (turns, most pages of one); what lies past a conversation's own pages is never read.
Tensor Decoding::page_table(std::span<const Turn> turns) {
  std::int32_t most = 0;
  for (const Turn& turn : turns) most = std::max(most, sequences_[turn.sequence].pages);
  std::vector<std::int32_t> table;
  table.reserve(turns.size() * static_cast<std::size_t>(most));
  for (const Turn& turn : turns) {
    const Sequence& sequence = sequences_[turn.sequence];
    for (std::int32_t page = 0; page < most; ++page)
      table.push_back(sequence.first_page + std::min(page, sequence.pages - 1));
  }
  return ctx_.upload(DType::i32, {static_cast<std::int64_t>(turns.size()), most}, table.data());
}

Tensor Decoding::advance(std::span<const Turn> turns, const Tensor& features) {
  const Arena::Scope scope(ctx_.arena());
  lay_out(turns);
  const auto count = static_cast<std::int64_t>(turns.size());
  const Tensor lengths = ctx_.upload(DType::i32, {count}, lengths_.data());
  const Tensor rows = ctx_.upload(DType::i32, {batch_.tokens()}, rows_.data());
  const Shape shape{batch_.tokens(), config_.text.hidden_size};
  const Tensor x = ctx_.allocate(dtype_, shape);
  const Tensor hidden = ctx_.allocate(dtype_, shape);
  embed(ctx_, x, batch_, features, model_, config_);
  decoder_infer_cached(ctx_, hidden, cache_, {page_table(turns), lengths, rows}, x,
                       decoder_inputs(ctx_, batch_, config_.text), Tensor(), model_.language_model,
                       config_.text);
  Tensor last = hidden;
  if (batch_.tokens() > count) {
    last = ctx_.allocate(dtype_, {count, config_.text.hidden_size});
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t end = batch_.offsets[static_cast<std::size_t>(i) + 1];
      ctx_.copy(last.rows(i, i + 1), hidden.rows(end - 1, end));
    }
  }
  const Tensor logits = logits_.rows(0, count);
  linear_forward(ctx_, logits, last, model_.language_model.lm_head, Tensor());
  return logits.to(Device{});
}

}  // namespace artemis

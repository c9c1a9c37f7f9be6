#include "artemis/generate/decoding.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

constexpr std::int32_t page_size = 64;

// The columns of Slots::values.
enum Column : std::uint8_t { input_id, position, length, cache_row, columns };

// Host memory as a tensor.
Tensor on_host(std::vector<std::int32_t>& values, const Shape& shape) {
  return Tensor::wrap(values.data(), DType::i32, shape, Device{}, nullptr, false);
}

}  // namespace

Decoding::Decoding(Context& ctx, const Graft& model, const GraftConfig& config,
                   std::span<const std::int64_t> max_tokens)
    : ctx_(ctx), model_(model), config_(config), dtype_(model.language_model.embed_tokens.dtype()) {
  std::int32_t pages = 0;
  for (const std::int64_t tokens : max_tokens) {
    const auto own = static_cast<std::int32_t>((tokens + page_size - 1) / page_size);
    sequences_.push_back({.first_page = pages, .pages = own});
    pages += own;
    most_pages_ = std::max(most_pages_, own);
  }
  const TextConfig& text = config.text;
  const Device device = ctx.device();
  const auto count = static_cast<std::int64_t>(max_tokens.size());
  cache_ = KvCache(dtype_, text.num_hidden_layers, pages, page_size, text.num_key_value_heads * text.head_dim,
                   device);
  logits_ = Tensor::allocate(DType::f32, {count, text.vocab_size}, device);
  likeliest_ = Tensor::allocate(DType::i32, {count}, device);
  sampled_ = Tensor::allocate(DType::i32, {count}, device);

  slots_.values = Tensor::allocate(DType::i32, {columns * count}, device);
  slots_.page_table = Tensor::allocate(DType::i32, {count, most_pages_}, device);
  std::vector<std::int32_t> offsets(max_tokens.size() + 1);
  std::iota(offsets.begin(), offsets.end(), 0);
  slots_.offsets = Tensor::from<std::int32_t>(offsets, {count + 1}).to(device);
  const std::vector<float> frequencies = inverse_frequencies(text.rope, text.head_dim);
  slots_.frequencies =
      Tensor::from<float>(frequencies, {static_cast<std::int64_t>(frequencies.size())}).to(device);
}

Tensor Decoding::Slots::column(std::int64_t which, std::int64_t count) const {
  const std::int64_t begin = which * (values.dim(0) / columns);
  return values.rows(begin, begin + count);
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
    for (const std::int32_t id : turn.tokens) {
      require(id >= 0 && id < config_.text.vocab_size, "generate", "token id {} is outside [0, {})", id,
              config_.text.vocab_size);
      batch_.input_ids.push_back(id);
    }
    batch_.offsets.push_back(static_cast<std::int32_t>(batch_.input_ids.size()));
    lengths_.push_back(after);
    sequence.length = after;
  }
}

// (turns, pages); what lies past a conversation's own pages is never read.
std::vector<std::int32_t> Decoding::page_table(std::span<const Turn> turns, std::int32_t pages) const {
  std::vector<std::int32_t> table;
  table.reserve(turns.size() * static_cast<std::size_t>(pages));
  for (const Turn& turn : turns) {
    const Sequence& sequence = sequences_[turn.sequence];
    for (std::int32_t page = 0; page < pages; ++page)
      table.push_back(sequence.first_page + std::min(page, sequence.pages - 1));
  }
  return table;
}

void Decoding::advance(std::span<const Turn> turns, const Tensor& features) {
  const bool by_one =
      !features && std::ranges::all_of(turns, [](const Turn& turn) { return turn.tokens.size() == 1; });
  lay_out(turns);
  turns_ = static_cast<std::int64_t>(turns.size());
  if (seen_) remember(turns);
  if (by_one) {
    advance_by_one(turns);
  } else {
    advance_any(turns, features);
  }
}

void Decoding::advance_any(std::span<const Turn> turns, const Tensor& features) {
  const Arena::Scope scope(ctx_.arena());
  const Tensor lengths = ctx_.upload(DType::i32, {turns_}, lengths_.data());
  const Tensor rows = ctx_.upload(DType::i32, {batch_.tokens()}, rows_.data());
  const std::vector<std::int32_t> table = page_table(turns, most_pages_);
  const Tensor pages = ctx_.upload(DType::i32, {turns_, most_pages_}, table.data());
  std::vector<std::int32_t> last(batch_.offsets.begin() + 1, batch_.offsets.end());
  for (std::int32_t& row : last) --row;
  const Tensor last_rows = ctx_.upload(DType::i32, {turns_}, last.data());
  const std::int64_t width = config_.text.hidden_size;
  const Tensor x = ctx_.allocate(dtype_, {batch_.tokens(), width});
  const Tensor hidden = ctx_.allocate(dtype_, {turns_, width});
  embed(ctx_, x, batch_, features, model_, config_);
  decoder_infer_cached(ctx_, hidden, cache_, {pages, lengths, rows}, x,
                       decoder_inputs(ctx_, batch_, config_.text), last_rows, model_.language_model,
                       config_.text);
  finish(hidden, turns_);
}

void Decoding::finish(const Tensor& hidden, std::int64_t count) {
  const Tensor logits = logits_.rows(0, count);
  linear_forward(ctx_, logits, hidden, model_.language_model.lm_head, Tensor());
  argmax_rows(ctx_, likeliest_.rows(0, count), logits);
}

void Decoding::advance_by_one(std::span<const Turn> turns) {
  fill_slots(turns);
  if (ctx_.device().kind == DeviceKind::cpu) return pass_over_slots(turns_);
  const std::size_t used = ctx_.arena().used();
  const auto found = recorded_.find(turns_);
  if (found == recorded_.end()) {
    // The first pass of its kind runs as it is: what is chosen at first use is then chosen.
    pass_over_slots(turns_);
    recorded_[turns_] = {};
    return;
  }
  Recorded& recorded = found->second;
  // What lies in the arena beyond `arena_used` would be overwritten.
  if (recorded.graph == nullptr || used > recorded.arena_used) {
    recorded.graph = std::make_unique<GpuGraph>(ctx_.gpu(), [&] { pass_over_slots(turns_); });
    recorded.arena_used = used;
  }
  recorded.graph->launch(ctx_.gpu());
}

void Decoding::fill_slots(std::span<const Turn> turns) {
  const auto count = turns.size();
  const std::size_t stride = sequences_.size();
  std::vector<std::int32_t>& values = slots_.staging;
  values.resize(columns * stride);
  for (std::size_t i = 0; i < count; ++i) {
    values[input_id * stride + i] = batch_.input_ids[i];
    values[position * stride + i] = batch_.positions[i];
    values[length * stride + i] = lengths_[i];
    values[cache_row * stride + i] = rows_[i];
  }
  ctx_.copy(slots_.values, on_host(values, slots_.values.shape()));
  const auto same = [](const Turn& turn, std::size_t sequence) { return turn.sequence == sequence; };
  if (std::ranges::equal(turns, slots_.conversations, same)) return;
  slots_.conversations.clear();
  for (const Turn& turn : turns) slots_.conversations.push_back(turn.sequence);
  std::vector<std::int32_t> table = page_table(turns, most_pages_);
  ctx_.copy(slots_.page_table.rows(0, turns_), on_host(table, {turns_, most_pages_}));
}

void Decoding::pass_over_slots(std::int64_t count) {
  const Arena::Scope scope(ctx_.arena());
  const Shape shape{count, config_.text.hidden_size};
  const Tensor x = ctx_.allocate(dtype_, shape);
  const Tensor hidden = ctx_.allocate(dtype_, shape);
  gather_rows(ctx_, x, model_.language_model.embed_tokens, slots_.column(input_id, count));
  decoder_infer_cached(
      ctx_, hidden, cache_,
      {slots_.page_table.rows(0, count), slots_.column(length, count), slots_.column(cache_row, count)}, x,
      {.positions = slots_.column(position, count).view({count, 1}),
       .offsets = slots_.offsets.rows(0, count + 1),
       .frequencies = slots_.frequencies},
      Tensor(), model_.language_model, config_.text);
  finish(hidden, count);
}

void Decoding::keep_history() {
  const auto count = static_cast<std::int64_t>(sequences_.size());
  const std::int64_t vocabulary = config_.text.vocab_size;
  require(count * vocabulary <= std::numeric_limits<std::int32_t>::max(), "generate",
          "the history of {} conversations over {} tokens is too large", count, vocabulary);
  seen_ = Tensor::zeros(DType::u8, {count, vocabulary}, ctx_.device());
}

void Decoding::remember(std::span<const Turn> turns) {
  std::vector<std::int32_t> places;
  for (const Turn& turn : turns) {
    const auto row = static_cast<std::int32_t>(turn.sequence) * static_cast<std::int32_t>(seen_.dim(1));
    for (const std::int32_t id : turn.tokens) places.push_back(row + id);
  }
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  const std::vector<std::uint8_t> ones(places.size(), 1);
  const auto count = static_cast<std::int64_t>(places.size());
  const Arena::Scope scope(ctx_.arena());
  scatter_rows(ctx_, seen_.view({seen_.count(), 1}), ctx_.upload(DType::u8, {count, 1}, ones.data()),
               ctx_.upload(DType::i32, {count}, places.data()));
}

std::span<const std::int32_t> Decoding::to_host(const Tensor& ids) {
  ids_on_host_.resize(static_cast<std::size_t>(turns_));
  ctx_.copy(on_host(ids_on_host_, {turns_}), ids.rows(0, turns_));
  return ids_on_host_;
}

std::span<const std::int32_t> Decoding::likeliest() { return to_host(likeliest_); }

std::span<const std::int32_t> Decoding::sample(std::span<const RowSampling> rows) {
  sample_rows(ctx_, sampled_.rows(0, turns_), logits_.rows(0, turns_), seen_, rows);
  return to_host(sampled_);
}

}  // namespace artemis

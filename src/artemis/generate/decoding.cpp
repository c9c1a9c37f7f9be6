#include "artemis/generate/decoding.h"

#include <algorithm>
#include <numeric>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/index_tensor.h"

namespace artemis {
namespace {

// The columns of Slots::values.
enum Column : std::uint8_t { input_id, position, length, cache_row, columns };

// Host memory as a tensor.
Tensor on_host(std::vector<std::int32_t>& values, const Shape& shape) {
  return Tensor::wrap(values.data(), DType::i32, shape, Device{}, nullptr, false);
}

}  // namespace

std::size_t Decoding::page_bytes(const TextConfig& config, DType dtype) {
  const std::int64_t values =
      2 * config.num_hidden_layers * page_size * config.num_key_value_heads * config.head_dim;
  return static_cast<std::size_t>(values) * dtype_size(dtype);
}

Decoding::Decoding(Context& ctx, const Graft& model, const GraftConfig& config, const DecodingSize& size)
    : ctx_(ctx),
      model_(model),
      config_(config),
      dtype_(model.language_model.embed_tokens.dtype()),
      size_(size) {
  const TextConfig& text = config.text;
  const Device device = ctx.device();
  cache_ = KvCache(dtype_, text.num_hidden_layers, size.pages, page_size,
                   text.num_key_value_heads * text.head_dim, device);
  logits_ = Tensor::allocate(DType::f32, {size.outputs, text.vocab_size}, device);
  likeliest_ = Tensor::allocate(DType::i32, {size.outputs}, device);
  sampled_ = Tensor::allocate(DType::i32, {size.outputs}, device);

  slots_.values = Tensor::allocate(DType::i32, {columns * size.turns}, device);
  slots_.page_table = Tensor::zeros(DType::i32, {size.turns, size.turn_pages}, device);
  slots_.pages.resize(static_cast<std::size_t>(size.turns));
  std::vector<std::int32_t> offsets(static_cast<std::size_t>(size.turns) + 1);
  std::iota(offsets.begin(), offsets.end(), 0);
  slots_.offsets = Tensor::from<std::int32_t>(offsets, {size.turns + 1}).to(device);
  const std::vector<float> frequencies = inverse_frequencies(text.rope, text.head_dim);
  slots_.frequencies =
      Tensor::from<float>(frequencies, {static_cast<std::int64_t>(frequencies.size())}).to(device);
}

Tensor Decoding::Slots::column(std::int64_t which, std::int64_t count) const {
  const std::int64_t begin = which * (values.dim(0) / columns);
  return values.rows(begin, begin + count);
}

// The turns one after the other, each token with its position and its row of the cache.
void Decoding::lay_out(std::span<const Turn> turns) {
  batch_.input_ids.clear();
  batch_.positions.clear();
  batch_.offsets.assign({0});
  lengths_.clear();
  rows_.clear();
  output_rows_.clear();
  ARTEMIS_ASSERT(!turns.empty() && std::ssize(turns) <= size_.turns);
  for (const Turn& turn : turns) {
    const std::int64_t after = turn.before + std::ssize(turn.tokens);
    ARTEMIS_ASSERT(turn.outputs >= 1 && turn.outputs <= std::ssize(turn.tokens));
    ARTEMIS_ASSERT(after <= std::ssize(turn.pages) * page_size && std::ssize(turn.pages) <= size_.turn_pages);
    for (std::int64_t at = turn.before; at < after; ++at) {
      const std::int32_t page = turn.pages[static_cast<std::size_t>(at / page_size)];
      batch_.positions.push_back(static_cast<std::int32_t>(at));
      rows_.push_back(static_cast<std::int32_t>(page * page_size + at % page_size));
    }
    for (const std::int32_t id : turn.tokens) {
      require(id >= 0 && id < config_.text.vocab_size, "generate", "token id {} is outside [0, {})", id,
              config_.text.vocab_size);
      batch_.input_ids.push_back(id);
    }
    const auto end = static_cast<std::int32_t>(batch_.input_ids.size());
    batch_.offsets.push_back(end);
    lengths_.push_back(static_cast<std::int32_t>(after));
    for (auto row = static_cast<std::int32_t>(end - turn.outputs); row < end; ++row)
      output_rows_.push_back(row);
  }
  outputs_ = std::ssize(output_rows_);
  ARTEMIS_ASSERT(outputs_ <= size_.outputs);
}

void Decoding::advance(std::span<const Turn> turns, const PictureRows& pictures) {
  ARTEMIS_ASSERT(pictures.places.empty() || pictures.features.dim(0) == std::ssize(pictures.places));
  ARTEMIS_ASSERT(!pictures.places.empty() || !pictures.features);
  lay_out(turns);
  const bool by_one = pictures.places.empty() && batch_.tokens() == batch_.sequences();
  if (by_one) {
    advance_by_one(turns);
  } else {
    advance_any(turns, pictures);
  }
}

void Decoding::advance_any(std::span<const Turn> turns, const PictureRows& pictures) {
  const Arena::Scope scope(ctx_.arena());
  const std::int64_t count = std::ssize(turns);
  std::size_t most_pages = 0;
  for (const Turn& turn : turns) most_pages = std::max(most_pages, turn.pages.size());
  // What lies past a conversation's own pages is never read.
  page_table_.assign(turns.size() * most_pages, 0);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    std::ranges::copy(turns[i].pages, page_table_.begin() + static_cast<std::ptrdiff_t>(i * most_pages));
  }
  const Tensor lengths = ctx_.upload(DType::i32, {count}, lengths_.data());
  const Tensor rows = ctx_.upload(DType::i32, {batch_.tokens()}, rows_.data());
  const Tensor pages =
      ctx_.upload(DType::i32, {count, static_cast<std::int64_t>(most_pages)}, page_table_.data());
  const Tensor output_rows = ctx_.upload(DType::i32, {outputs_}, output_rows_.data());
  const std::int64_t width = config_.text.hidden_size;
  const Tensor x = ctx_.allocate(dtype_, {batch_.tokens(), width});
  const Tensor hidden = ctx_.allocate(dtype_, {outputs_, width});
  gather_rows(ctx_, x, model_.language_model.embed_tokens,
              ctx_.upload(DType::i32, {batch_.tokens()}, batch_.input_ids.data()));
  if (!pictures.places.empty()) {
    scatter_rows(ctx_, x, pictures.features,
                 index_tensor(ctx_, pictures.places, batch_.tokens(), "picture's token"));
  }
  decoder_infer_cached(ctx_, hidden, cache_, {pages, lengths, rows}, x,
                       decoder_inputs(ctx_, batch_, config_.text), output_rows, model_.language_model,
                       config_.text);
  finish(hidden);
}

void Decoding::finish(const Tensor& hidden) {
  const std::int64_t count = hidden.dim(0);
  const Tensor logits = logits_.rows(0, count);
  linear_forward(ctx_, logits, hidden, model_.language_model.lm_head, Tensor());
  argmax_rows(ctx_, likeliest_.rows(0, count), logits);
}

void Decoding::advance_by_one(std::span<const Turn> turns) {
  const std::int64_t count = std::ssize(turns);
  fill_slots(turns);
  if (ctx_.device().kind != DeviceKind::cuda) return pass_over_slots(count);
  const std::size_t used = ctx_.arena().used();
  const auto found = recorded_.find(count);
  if (found == recorded_.end()) {
    // The first pass of its kind runs as it is: what is chosen at first use is then chosen.
    pass_over_slots(count);
    recorded_[count] = {};
    return;
  }
  Recorded& recorded = found->second;
  // What lies in the arena beyond `arena_used` would be overwritten.
  if (recorded.graph == nullptr || used > recorded.arena_used) {
    recorded.graph = std::make_unique<GpuGraph>(ctx_.gpu(), [&] { pass_over_slots(count); });
    recorded.arena_used = used;
  }
  recorded.graph->launch(ctx_.gpu());
}

void Decoding::fill_slots(std::span<const Turn> turns) {
  const auto stride = static_cast<std::size_t>(size_.turns);
  std::vector<std::int32_t>& values = slots_.staging;
  values.resize(columns * stride);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    values[input_id * stride + i] = batch_.input_ids[i];
    values[position * stride + i] = batch_.positions[i];
    values[length * stride + i] = lengths_[i];
    values[cache_row * stride + i] = rows_[i];
  }
  ctx_.copy(slots_.values, on_host(values, slots_.values.shape()));
  // A conversation comes to a new page once in a while.
  for (std::size_t i = 0; i < turns.size(); ++i) {
    std::vector<std::int32_t>& there = slots_.pages[i];
    if (std::ranges::equal(there, turns[i].pages)) continue;
    there.assign(turns[i].pages.begin(), turns[i].pages.end());
    const auto row = static_cast<std::int64_t>(i);
    const std::int64_t count = std::ssize(there);
    ctx_.copy(slots_.page_table.rows(row, row + 1).columns(0, count), on_host(there, {1, count}));
  }
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
  finish(hidden);
}

std::span<const std::int32_t> Decoding::to_host(const Tensor& ids) {
  ids_on_host_.resize(static_cast<std::size_t>(outputs_));
  ctx_.copy(on_host(ids_on_host_, {outputs_}), ids.rows(0, outputs_));
  return ids_on_host_;
}

std::span<const std::int32_t> Decoding::likeliest() { return to_host(likeliest_); }

std::span<const std::int32_t> Decoding::sample(std::span<const RowSampling> rows) {
  sample_rows(ctx_, sampled_.rows(0, outputs_), logits(), rows);
  return to_host(sampled_);
}

}  // namespace artemis

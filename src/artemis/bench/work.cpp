#include "artemis/bench/work.h"

#include <numeric>

#include "artemis/bench/ceilings.h"
#include "artemis/core/random.h"

namespace artemis::bench {
namespace {

std::int64_t picture_patches(const VisionConfig& config, std::int64_t side) {
  return (side / config.patch_size) * (side / config.patch_size);
}

double head_parameters(const TextConfig& config) {
  return static_cast<double>(config.vocab_size) * static_cast<double>(config.hidden_size);
}

}  // namespace

PictureBatch random_pictures(Context& ctx, const VisionConfig& config, std::int64_t count,
                             std::int64_t side) {
  const std::int64_t rows = side / config.patch_size;
  PictureBatch batch;
  batch.pixel_values = random_tensor(ctx, DType::f32, {count * rows * rows, config.patch_width()}, 1.0f, 9);
  batch.grid_thw.assign(static_cast<std::size_t>(count), {1, rows, rows});
  return batch;
}

TextBatch random_text(const GraftConfig& config, std::int64_t tokens) {
  Random random(11);
  TextBatch batch;
  const auto others = static_cast<std::uint64_t>(config.text.vocab_size - 1);
  for (std::int64_t i = 0; i < tokens; ++i) {
    const auto id = static_cast<std::int32_t>(random.below(others));
    batch.input_ids.push_back(id + (id >= config.image_token_id ? 1 : 0));
  }
  batch.offsets = {0, static_cast<std::int32_t>(tokens)};
  batch.positions.resize(static_cast<std::size_t>(tokens));
  std::iota(batch.positions.begin(), batch.positions.end(), 0);
  return batch;
}

std::int64_t picture_tokens(const VisionConfig& config, std::int64_t side) {
  return picture_patches(config, side) / config.merge_length();
}

TextBatch picture_text(const GraftConfig& config, const Lengths& lengths, std::int64_t behind) {
  constexpr std::int64_t before = 4;
  const std::int64_t picture = picture_tokens(*config.vision, lengths.side);
  TextBatch batch = random_text(config, lengths.prompt + picture + behind);
  std::fill_n(batch.input_ids.begin() + before, picture, config.image_token_id);
  return batch;
}

Batch caption_batch(const GraftConfig& config, const Lengths& lengths, std::int64_t samples) {
  Context host(Device{}, 0);
  const TextBatch one = picture_text(config, lengths, lengths.caption);
  const auto length = static_cast<std::int32_t>(one.tokens());
  Batch batch;
  batch.pictures = random_pictures(host, *config.vision, samples, lengths.side);
  batch.text.offsets = {0};
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    batch.keys.push_back(fmt::format("sample {}", sample));
    const std::int32_t start = batch.text.offsets.back();
    batch.text.input_ids.insert(batch.text.input_ids.end(), one.input_ids.begin(), one.input_ids.end());
    batch.text.positions.insert(batch.text.positions.end(), one.positions.begin(), one.positions.end());
    batch.text.offsets.push_back(start + length);
    for (auto row = length - static_cast<std::int32_t>(lengths.caption) - 1; row < length - 1; ++row) {
      batch.supervision.rows.push_back(start + row);
      batch.supervision.labels.push_back(one.input_ids[static_cast<std::size_t>(row) + 1]);
    }
  }
  return batch;
}

double block_parameters(const GraftConfig& config, Part part) {
  double count = 0;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    if (spec.part == part && spec.shape.rank() == 2 && spec.block >= 0)
      count += static_cast<double>(spec.shape.count());
  });
  return count;
}

double attention_flop(double queries, double keys, std::int64_t heads, std::int64_t head_dim,
                      std::int64_t layers) {
  return 4.0 * queries * keys * static_cast<double>(heads * head_dim * layers);
}

double picture_flop(const GraftConfig& config, std::int64_t side) {
  const VisionConfig& v = *config.vision;
  const auto patches = static_cast<double>(picture_patches(v, side));
  const auto tokens = static_cast<double>(picture_tokens(v, side));
  const auto grouped = static_cast<double>(v.hidden_size * v.merge_length());
  const auto merged = static_cast<double>(v.out_hidden_size);
  const auto hidden = static_cast<double>(config.text.hidden_size);
  const double each_patch =
      block_parameters(config, Part::tower) + static_cast<double>(v.patch_width() * v.hidden_size);
  const double each_token = grouped * (grouped + merged) + hidden * (merged + hidden);
  return 2.0 * (patches * each_patch + tokens * each_token) +
         attention_flop(patches, patches, v.num_heads, v.head_dim(), v.depth);
}

double prefill_flop(const GraftConfig& config, std::int64_t tokens) {
  const TextConfig& t = config.text;
  const auto n = static_cast<double>(tokens);
  return 2.0 * n * block_parameters(config, Part::decoder) +
         attention_flop(n, n / 2, t.num_attention_heads, t.head_dim, t.num_hidden_layers);
}

double stage1_flop(const GraftConfig& config, const Lengths& lengths) {
  const auto caption = static_cast<double>(lengths.caption);
  const auto tokens =
      static_cast<double>(picture_tokens(*config.vision, lengths.side) + lengths.prompt) + caption;
  return 4.0 * tokens * block_parameters(config, Part::decoder) +
         4.0 * caption * head_parameters(config.text) + picture_flop(config, lengths.side);
}

double decode_bytes(const GraftConfig& config, DType dtype, double depth) {
  const TextConfig& t = config.text;
  const auto cached = static_cast<double>(2 * t.num_hidden_layers * t.num_key_value_heads * t.head_dim);
  return static_cast<double>(dtype_size(dtype)) *
         (block_parameters(config, Part::decoder) + head_parameters(t) + depth * cached);
}

}  // namespace artemis::bench

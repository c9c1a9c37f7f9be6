#include "artemis/train/memory_plan.h"

#include <algorithm>

#include "artemis/model/weights.h"

namespace artemis {
namespace {

constexpr Device meta{DeviceKind::meta, 0};
// What kernels take of the arena for themselves, and rounding.
constexpr std::size_t scratch_bytes = std::size_t{384} << 20;

}  // namespace

PassSize size_of(std::span<const Batch> batches) {
  PassSize size;
  for (const Batch& batch : batches) {
    size.sequences += batch.text.sequences();
    size.tokens += batch.text.tokens();
    size.supervised += batch.supervision.count();
    if (!batch.pictures.empty()) size.patches += batch.pictures.pixel_values.dim(0);
  }
  return size;
}

Batch blank_batch(const GraftConfig& config, const PassSize& size, Device device) {
  Batch batch;
  batch.keys.assign(static_cast<std::size_t>(size.sequences), "blank");
  batch.text.input_ids.assign(static_cast<std::size_t>(size.tokens), 0);
  batch.text.positions.assign(static_cast<std::size_t>(size.tokens), 0);
  batch.text.offsets.assign(static_cast<std::size_t>(size.sequences), 0);
  batch.text.offsets.push_back(static_cast<std::int32_t>(size.tokens));
  for (std::int32_t i = 0; i < size.supervised; ++i) batch.supervision.rows.push_back(i);
  batch.supervision.labels.assign(static_cast<std::size_t>(size.supervised), 0);
  if (size.patches == 0) return batch;
  const VisionConfig& vision = *config.vision;
  const std::int64_t merge = vision.spatial_merge_size;
  const std::int64_t image_tokens = size.patches / (merge * merge);
  ARTEMIS_ASSERT(image_tokens <= size.tokens && image_tokens * merge * merge == size.patches);
  // Behind as much text as just makes a frozen decoder's backward pass pick rows, which takes the most
  // memory.
  const std::int64_t before = std::min(size.tokens / 8 + 1, size.tokens - image_tokens);
  std::fill_n(batch.text.input_ids.begin() + before, image_tokens, config.image_token_id);
  batch.pictures.grid_thw.push_back({1, merge, size.patches / merge});
  batch.pictures.pixel_values = Tensor::allocate(DType::f32, {size.patches, vision.patch_width()}, device);
  return batch;
}

std::size_t pass_bytes(const GraftConfig& config, DType dtype, const Trainable& trainable,
                       const PassSize& size, Recompute recompute) {
  Context ctx(meta, 1);
  const Graft model = allocate_weights(config, dtype, meta);
  const Graft gradients = make_gradients(config, trainable, meta);
  const Batch batch = blank_batch(config, size, meta);
  graft_loss_and_gradients(ctx, gradients, batch.text, batch.pictures, batch.supervision, 1.0f, model, config,
                           recompute);
  const std::size_t pixels = batch.pictures.empty() ? 0 : batch.pictures.pixel_values.bytes();
  return ctx.arena().peak() + pixels + scratch_bytes;
}

bool worth_joining(std::optional<Recompute> together, std::span<const std::optional<Recompute>> apart) {
  if (!together) return false;
  return std::ranges::any_of(apart, [&](const auto& alone) { return !alone || *alone >= *together; });
}

TrainingMemory training_memory(const GraftConfig& config, DType dtype, const Trainable& trainable,
                               const OptimizerOptions& optimizer, const PassSize& size, Recompute recompute) {
  Context ctx(meta, 1);
  Graft model = allocate_weights(config, dtype, meta);
  const Optimizer state(ctx, model, config, trainable, optimizer);
  return {.weights = weight_bytes(config, dtype),
          .optimizer = state.bytes(),
          .activations = pass_bytes(config, dtype, trainable, size, recompute)};
}

}  // namespace artemis

#include "artemis/generate/engine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "artemis/core/gpu.h"
#include "artemis/model/weights.h"

namespace artemis {
namespace {

constexpr Device meta{DeviceKind::meta, 0};
// What kernels take of the arena for themselves, and rounding.
constexpr std::size_t scratch_bytes = std::size_t{384} << 20;
// Left alone for recorded passes and for others.
constexpr std::size_t spared_bytes = std::size_t{1} << 30;
constexpr std::int64_t default_picture_tokens = 16384;
constexpr double gib = 1 << 30;

// A picture of this many image tokens, without values.
PictureBatch blank_picture(const VisionConfig& vision, std::int64_t tokens) {
  const std::int64_t merge = vision.spatial_merge_size;
  const std::int64_t patches = tokens * merge * merge;
  return {Tensor::allocate(DType::f32, {patches, vision.patch_width()}, meta), {{1, merge, patches / merge}}};
}

// Memory that the device could give now.
std::size_t free_bytes(Device device) {
  if (device.kind == DeviceKind::cuda) return gpu_free_bytes(device);
  // Files that were read count as free too, but not all of that should go.
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 4;
}

// Of what is taken beside the pages of the cache.
std::size_t other_bytes(Device device, const GraftConfig& config, DType dtype, const EngineOptions& options) {
  // On the CPU activations are taken as they come.
  const std::size_t steps = device.kind == DeviceKind::cuda
                                ? Arena::free_for(step_bytes(config, dtype, options)) + spared_bytes
                                : 0;
  return store_bytes(config, dtype, options) + steps;
}

}  // namespace

std::size_t store_bytes(const GraftConfig& config, DType dtype, const EngineOptions& options) {
  const auto outputs = static_cast<std::size_t>(options.max_sequences * (1 + options.draft_tokens));
  const std::size_t logits = outputs * static_cast<std::size_t>(config.text.vocab_size) * sizeof(float);
  return logits + PictureStore::bytes(config, dtype, options.picture_tokens);
}

std::size_t step_bytes(const GraftConfig& config, DType dtype, const EngineOptions& options) {
  Context ctx(meta, 1);
  const Graft model = allocate_weights(config, dtype, meta);
  const std::int64_t answers = options.max_sequences * (1 + options.draft_tokens);
  const std::int64_t tokens = std::max(options.step_tokens, answers + Decoding::page_size);
  const std::int64_t pages = Decoding::pages_for(tokens);
  Decoding decoding(ctx, model, config, {.turns = 1, .outputs = 1, .pages = pages, .turn_pages = pages});
  const std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens), 0);
  const std::vector<std::int32_t> places(static_cast<std::size_t>(pages), 0);
  const Turn turn{.pages = places, .before = 0, .tokens = ids};
  PictureRows pictures{ctx.allocate(dtype, {tokens, config.text.hidden_size}), {}};
  for (std::int32_t place = 0; place < static_cast<std::int32_t>(tokens); ++place)
    pictures.places.push_back(place);
  decoding.advance(std::span(&turn, 1), pictures);
  if (config.vision && options.picture_tokens > 0) {
    // One picture may fill the store; several are no more than a step's tokens.
    const PictureBatch picture =
        blank_picture(*config.vision, std::max(options.picture_tokens, options.step_tokens));
    Arena state(0, meta);  // its addresses begin as the other's, where the rows of `pictures` lie
    VisionPass tower = [&] {
      const Arena::Scope scope(ctx.arena());
      ctx.allocate(DType::f32, picture.pixel_values.shape());  // the pixels, on their way from the host
      return VisionPass(ctx, state, picture, model.visual, *config.vision);
    }();
    while (!tower.done()) tower.advance(ctx, std::numeric_limits<std::int64_t>::max());
    const Arena::Scope scope(ctx.arena());
    image_features(ctx, ctx.allocate(dtype, {image_tokens(*config.vision, picture), config.text.hidden_size}),
                   tower, model, config);
  }
  // Gate and up of a pass, which the kernels that join them take.
  const auto gate_up =
      static_cast<std::size_t>(2 * tokens * config.text.intermediate_size) * dtype_size(dtype);
  return ctx.arena().peak() + gate_up + scratch_bytes;
}

EngineOptions fit_engine(Device device, const GraftConfig& config, DType dtype, EngineOptions options) {
  check_engine_options(options);
  const std::int64_t context = config.text.max_position_embeddings;
  if (!config.vision) options.picture_tokens = 0;
  if (config.vision && options.picture_tokens == 0)
    options.picture_tokens = std::min(default_picture_tokens, context);
  const std::size_t free = free_bytes(device);
  const std::size_t other = other_bytes(device, config, dtype, options);
  const std::size_t page = Decoding::page_bytes(config.text, dtype);
  const std::int64_t room = free < other ? 0 : static_cast<std::int64_t>((free - other) / page);
  const std::int64_t asked = options.cache_tokens > 0
                                 ? Decoding::pages_for(options.cache_tokens)
                                 : std::min({room, options.max_sequences * Decoding::pages_for(context),
                                             std::numeric_limits<std::int32_t>::max() / Decoding::page_size});
  require(
      room > 0 && asked <= room, "engine",
      "{:.1f} GiB are free: passes and pictures take {:.1f} GiB, and each 1,024 tokens of the cache {:.2f}; "
      "there is room for cache-tokens {}{}",
      static_cast<double>(free) / gib, static_cast<double>(other) / gib, 16 * static_cast<double>(page) / gib,
      room * Decoding::page_size, room > 0 ? "" : ", a smaller step-tokens or picture-tokens leaves more");
  options.cache_tokens = asked * Decoding::page_size;
  return options;
}

}  // namespace artemis

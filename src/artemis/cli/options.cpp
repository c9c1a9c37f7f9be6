#include "artemis/cli/options.h"

#include "artemis/core/gpu.h"
#include "artemis/generate/decoding.h"
#include "artemis/generate/generator.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "artemis/model/lora.h"
#include "artemis/model/weights.h"

namespace artemis {

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("--threads", options.threads, "Threads (default: one a core)")
      ->check(CLI::Range(0, 1024));
  command.add_option("--device", options.device, "cpu or cuda[:N]")->capture_default_str();
  command.add_option("--dtype", options.dtype, "Compute in f32 or bf16")->capture_default_str();
  command.add_flag("--batch-invariant", options.batch_invariant,
                   "The same bits for a token whatever is computed beside it; slower");
}

DType compute_dtype(const RunOptions& options) {
  if (options.dtype == "f32") return DType::f32;
  if (options.dtype == "bf16") return DType::bf16;
  throw UsageError("dtype", fmt::format("'{}' is no compute dtype, expected f32 or bf16", options.dtype));
}

std::unique_ptr<Context> make_context(const RunOptions& options) {
  auto ctx = std::make_unique<Context>(parse_device(options.device), options.threads);
  ctx->set_batch_invariant(options.batch_invariant);
  return ctx;
}

void add_picture_options(CLI::App& command, PictureOptions& options) {
  command.add_option("--image", options.files,
                     "Picture (JPEG, PNG or WebP); once for each picture, in order");
  command.add_option("--min-pixels", options.min_pixels, "Smallest area that a picture is resized to");
  command.add_option("--max-pixels", options.max_pixels, "Largest area that a picture is resized to");
  command.add_option("--decode-pixels", options.decode_pixels, "Largest picture that is decoded, in pixels");
}

std::vector<PictureFile> read_images(const PictureOptions& options) {
  std::vector<PictureFile> images;
  for (const std::string& file : options.files) images.push_back({read_file(file), file});
  return images;
}

void apply(const PictureOptions& options, Processor& processor) {
  const auto set = [](std::int64_t value, const char* name, std::int64_t& target) {
    if (value == 0) return;
    if (value < 0) throw UsageError(name, fmt::format("{} is negative, expected a number of pixels", value));
    target = value;
  };
  if (options.min_pixels == 0 && options.max_pixels == 0 && options.decode_pixels == 0) return;
  PreprocessorConfig& config = processor.image_config();
  set(options.min_pixels, "min-pixels", config.min_pixels);
  set(options.max_pixels, "max-pixels", config.max_pixels);
  set(options.decode_pixels, "decode-pixels", processor.decode_options().max_pixels);
}

void add_adapter_option(CLI::App& command, std::string& adapter) {
  command.add_option("--adapter", adapter, "Directory of a LoRA adapter (PEFT) to merge in memory");
}

namespace {

// Refuses what a GPU has no room for, before any of it is loaded.
void check_room(Device device, const LoadedModel& model, DType dtype, const GenerationMemory& generation) {
  if (device.kind != DeviceKind::cuda) return;
  constexpr double gib = 1 << 30;
  const std::string where = model.directory.string();
  const std::size_t weights = weight_bytes(model.config, dtype);
  const std::size_t free = gpu_free_bytes(device);
  require(weights <= free, where,
          "the weights take {:.1f} GiB, {} has {:.1f} GiB free; --dtype bf16 takes the least",
          static_cast<double>(weights) / gib, device_name(device), static_cast<double>(free) / gib);
  const std::size_t others = weights + generation.beside_cache();
  const std::size_t page = Decoding::page_bytes(model.config.text, dtype);
  require(
      others + generation.cache <= free, where,
      "the weights take {:.1f} GiB, a pass {:.1f} and the cache of prompt and answer, {} tokens, {:.1f} GiB; "
      "{} has {:.1f} GiB free: {}",
      static_cast<double>(weights) / gib, static_cast<double>(generation.beside_cache()) / gib,
      generation.cache_tokens, static_cast<double>(generation.cache) / gib, device_name(device),
      static_cast<double>(free) / gib,
      others + page <= free
          ? fmt::format("a smaller --max-new-tokens, for {} tokens in all, leaves room",
                        static_cast<std::int64_t>((free - others) / page) * Decoding::page_size)
          : "a shorter prompt, smaller pictures or a smaller model is needed");
}

}  // namespace

LoadedModel open_model(const std::string& directory) {
  GraftConfig config = read_graft_config(directory);
  Processor processor = Processor::load(directory, config);
  return {directory, std::move(config), std::move(processor), CheckpointReader::open(directory), {}};
}

void load_weights(Context& ctx, LoadedModel& model, DType dtype, const std::string& adapter,
                  const GenerationMemory& generation) {
  check_room(ctx.device(), model, dtype, generation);
  model.graft = load_graft(ctx, model.checkpoint, model.config, dtype);
  if (adapter.empty()) return;
  load_adapter(ctx, adapter, model.graft, model.config);
  merge_lora(ctx, model.graft, model.config);
}

LoadedModel load_model(Context& ctx, const std::string& directory, DType dtype, const std::string& adapter) {
  LoadedModel model = open_model(directory);
  load_weights(ctx, model, dtype, adapter, {});
  return model;
}

Json read_messages(const std::string& file) {
  Json messages = read_json(file);
  check_messages(messages, file);
  return messages;
}

}  // namespace artemis

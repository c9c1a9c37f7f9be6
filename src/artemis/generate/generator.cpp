#include "artemis/generate/generator.h"

#include <algorithm>

#include "artemis/core/gpu.h"
#include "artemis/generate/engine.h"
#include "artemis/generate/engine_memory.h"
#include "artemis/model/vision_tower.h"

namespace artemis {
namespace {

std::vector<std::int32_t> end_tokens_of(const Json& json, std::string_view where) {
  std::vector<std::int32_t> ids;
  if (!json.contains("eos_token_id") || json["eos_token_id"].is_null()) return ids;
  const Json& value = json["eos_token_id"];
  const auto add = [&](const Json& id) {
    require(id.is_number_integer(), where,
            "key 'eos_token_id' holds {}, expected an integer or a list of integers", id.type_name());
    ids.push_back(id.get<std::int32_t>());
  };
  if (value.is_array()) {
    for (const Json& id : value) add(id);
  } else {
    add(value);
  }
  return ids;
}

// Tokens of all requests that are read in one pass at most.
constexpr std::int64_t prefill_tokens = 4096;

// An engine with room for just these requests.
EngineOptions engine_options(const GraftConfig& config, std::span<const GenerateRequest> requests,
                             const GenerateOptions& options) {
  EngineOptions engine{.max_sequences = std::ssize(requests), .step_tokens = prefill_tokens, .reuse = false};
  for (const GenerateRequest& request : requests) {
    // What passes the context is refused by Engine::check().
    const std::int64_t wanted = std::min(options.max_new_tokens, config.text.max_position_embeddings);
    const std::int64_t tokens = std::ssize(request.prompt) + std::max<std::int64_t>(wanted, 1);
    engine.cache_tokens += Decoding::pages_for(tokens) * Decoding::page_size;
    if (config.vision && !request.pictures.empty())
      engine.picture_tokens +=
          Decoding::pages_for(image_tokens(*config.vision, request.pictures)) * Decoding::page_size +
          std::ssize(request.pictures.grid_thw) * Decoding::page_size;
  }
  return engine;
}

// Whether the GPU has room, before any of it is taken.
void check_room(Context& ctx, const GraftConfig& config, DType dtype,
                std::span<const GenerateRequest> requests, const GenerateOptions& options) {
  if (ctx.device().kind != DeviceKind::cuda) return;
  const GenerationMemory memory = generation_memory(config, dtype, requests, options);
  const std::size_t beside = ctx.arena().reserved() ? memory.store : memory.beside_cache();
  const std::size_t free = gpu_free_bytes(ctx.device());
  constexpr double gib = 1 << 30;
  const std::size_t page = Decoding::page_bytes(config.text, dtype);
  require(memory.cache + beside <= free, "generate",
          "the cache of {} tokens takes {:.1f} GiB and passes {:.1f}, {} has {:.1f} GiB free, room for {} "
          "tokens; "
          "a smaller max-new-tokens takes less",
          memory.cache_tokens, static_cast<double>(memory.cache) / gib, static_cast<double>(beside) / gib,
          device_name(ctx.device()), static_cast<double>(free) / gib,
          static_cast<std::int64_t>((free - std::min(free, beside)) / page) * Decoding::page_size);
}

// Each picture of a batch for itself, over the same memory.
std::vector<EnginePicture> apart(const PictureBatch& pictures) {
  std::vector<EnginePicture> each;
  std::int64_t begin = 0;
  for (const auto& grid : pictures.grid_thw) {
    const std::int64_t end = begin + grid[0] * grid[1] * grid[2];
    each.push_back({.patches = {pictures.pixel_values.rows(begin, end), {grid}}});
    begin = end;
  }
  return each;
}

std::vector<GenerateResult> continue_all(Context& ctx, const Graft& model, const GraftConfig& config,
                                         const Tokenizer& tokenizer,
                                         std::span<const GenerateRequest> requests,
                                         const GenerateOptions& options, const TextCallback& on_text) {
  std::vector<GenerateResult> results(requests.size());
  if (requests.empty()) return results;
  check_room(ctx, config, model.language_model.embed_tokens.dtype(), requests, options);
  Engine engine(ctx, model, config, tokenizer, engine_options(config, requests, options));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EngineRequest request{.prompt = requests[i].prompt, .pictures = apart(requests[i].pictures)};
    request.options = options;
    engine.check(request);
    AnswerListener listener;
    listener.on_end = [&results, i](GenerateResult result) { results[i] = std::move(result); };
    if (on_text) listener.on_piece = [&](const AnswerPiece& piece) { on_text(piece.text); };
    engine.submit(i, std::move(request), std::move(listener));
  }
  while (engine.step()) {
  }
  for (const GenerateResult& result : results)
    require(result.finish_reason != "error", "generate", "{}", result.error);
  return results;
}

}  // namespace

GenerationDefaults read_generation_defaults(const std::filesystem::path& model_directory,
                                            const GraftConfig& config) {
  GenerationDefaults defaults;
  const std::filesystem::path file = model_directory / "generation_config.json";
  const std::string where = file.string();
  if (std::filesystem::exists(file)) {
    const Json json = read_json(file);
    defaults.end_tokens = end_tokens_of(json, where);
    if (json_get_or<bool>(json, "do_sample", where, false)) {
      SamplingOptions& sampling = defaults.sampling;
      sampling.temperature = json_get_or<float>(json, "temperature", where, 1.0f);
      sampling.top_k = json_get_or<std::int64_t>(json, "top_k", where, 50);
      sampling.top_p = json_get_or<float>(json, "top_p", where, 1.0f);
      sampling.min_p = json_get_or<float>(json, "min_p", where, 0.0f);
    }
    defaults.sampling.repetition_penalty = json_get_or<float>(json, "repetition_penalty", where, 1.0f);
  }
  if (defaults.end_tokens.empty()) {
    const Json& text = config.vision ? config.source["text_config"] : config.source;
    defaults.end_tokens = end_tokens_of(text, (model_directory / "config.json").string());
  }
  return defaults;
}

GenerationMemory generation_memory(const GraftConfig& config, DType dtype,
                                   std::span<const GenerateRequest> requests,
                                   const GenerateOptions& options) {
  EngineOptions engine = engine_options(config, requests, options);
  std::int64_t prompts = 0;
  for (const GenerateRequest& request : requests) prompts += std::ssize(request.prompt);
  engine.step_tokens = std::clamp<std::int64_t>(prompts, 1, prefill_tokens);
  const auto pages = static_cast<std::size_t>(Decoding::pages_for(engine.cache_tokens));
  return {.cache_tokens = engine.cache_tokens,
          .cache = pages * Decoding::page_bytes(config.text, dtype),
          .store = store_bytes(config, dtype, engine),
          .pass = step_bytes(config, dtype, engine)};
}

GenerateResult generate(Context& ctx, const Graft& model, const GraftConfig& config,
                        const Tokenizer& tokenizer, const std::vector<std::int32_t>& prompt,
                        const PictureBatch& pictures, const GenerateOptions& options,
                        const TextCallback& on_text) {
  const GenerateRequest request{prompt, pictures};
  return std::move(continue_all(ctx, model, config, tokenizer, std::span(&request, 1), options, on_text)[0]);
}

std::vector<GenerateResult> generate_batch(Context& ctx, const Graft& model, const GraftConfig& config,
                                           const Tokenizer& tokenizer,
                                           std::span<const GenerateRequest> requests,
                                           const GenerateOptions& options) {
  return continue_all(ctx, model, config, tokenizer, requests, options, TextCallback());
}

}  // namespace artemis

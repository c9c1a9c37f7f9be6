// Prefill and decoding: one conversation, or several side by side.
#pragma once

#include <filesystem>

#include "artemis/generate/request.h"
#include "artemis/model/graft.h"
#include "artemis/processor/processor.h"

namespace artemis {

// The end tokens of generation_config.json, or config.json's, or none; and the sampling that the model asks
// for.
struct GenerationDefaults {
  std::vector<std::int32_t> end_tokens;
  SamplingOptions sampling;
};
GenerationDefaults read_generation_defaults(const std::filesystem::path& model_directory,
                                            const GraftConfig& config);

// Called with each piece of text as soon as it is whole characters and cannot be part of a stop string.
using TextCallback = std::function<void(std::string_view piece)>;

// One conversation to go on with.
struct GenerateRequest {
  std::vector<std::int32_t> prompt;
  PictureBatch pictures;  // those of the prompt's image tokens, in order
};

// Bytes that generating takes of a GPU beside the weights.
struct GenerationMemory {
  std::int64_t cache_tokens = 0;  // whole pages
  std::size_t cache = 0;          // of their keys and values
  std::size_t store = 0;          // logits and features of pictures
  std::size_t pass = 0;           // activations, of the arena

  std::size_t beside_cache() const { return store + Arena::free_for(pass); }
};
GenerationMemory generation_memory(const GraftConfig& config, DType dtype,
                                   std::span<const GenerateRequest> requests, const GenerateOptions& options);

// Continues the prompt. `pictures` are those of the prompt's image tokens, in order (may be empty).
// Throws Error when prompt and new tokens pass max_position_embeddings, and before anything is computed when
// a GPU has no room for what it takes.
GenerateResult generate(Context& ctx, const Graft& model, const GraftConfig& config,
                        const Tokenizer& tokenizer, const std::vector<std::int32_t>& prompt,
                        const PictureBatch& pictures, const GenerateOptions& options,
                        const TextCallback& on_text);

// The same for several at once in one engine, each with a sampler of its own from the same seed, so that each
// gives the tokens that it gives alone (see Engine).
std::vector<GenerateResult> generate_batch(Context& ctx, const Graft& model, const GraftConfig& config,
                                           const Tokenizer& tokenizer,
                                           std::span<const GenerateRequest> requests,
                                           const GenerateOptions& options);

}  // namespace artemis

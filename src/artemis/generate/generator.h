// Prefill and decoding: one conversation, or several side by side.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/generate/sampler.h"
#include "artemis/model/graft.h"
#include "artemis/processor/processor.h"

namespace artemis {

struct GenerateOptions {
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::vector<std::string> stop;              // the text ends before the first of these
  std::vector<std::int32_t> end_tokens;       // each ends the text
  bool ignore_eos = false;                    // end tokens are ordinary tokens
  bool skip_special_tokens = true;            // in the text
  const std::atomic<bool>* cancel = nullptr;  // once true, the text ends after the next token
};

struct GenerateResult {
  std::vector<std::int32_t> ids;  // the new tokens, an end token included
  std::string text;
  std::string finish_reason;   // "stop", "length" or "cancelled"
  double prefill_seconds = 0;  // pictures and prompt, to the first token
  double decode_seconds = 0;   // the tokens after the first
};

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

// Continues the prompt. `pictures` are those of the prompt's image tokens, in order (may be empty).
// Throws Error when prompt and new tokens pass max_position_embeddings.
GenerateResult generate(Context& ctx, const Graft& model, const GraftConfig& config,
                        const Tokenizer& tokenizer, const std::vector<std::int32_t>& prompt,
                        const PictureBatch& pictures, const GenerateOptions& options,
                        const TextCallback& on_text);

// One conversation to go on with.
struct GenerateRequest {
  std::vector<std::int32_t> prompt;
  PictureBatch pictures;  // those of the prompt's image tokens, in order
};

// The same for several at once, each with a cache of its own and a sampler of its own from the same seed, so
// that each gives the tokens that it gives alone (but for rounding, which depends on the rows of a product).
// Prompts are read several in a pass; then one token of each in a pass, and those that end leave.
std::vector<GenerateResult> generate_batch(Context& ctx, const Graft& model, const GraftConfig& config,
                                           const Tokenizer& tokenizer,
                                           std::span<const GenerateRequest> requests,
                                           const GenerateOptions& options);

}  // namespace artemis

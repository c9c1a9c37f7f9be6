#include "artemis/generate/generator.h"

#include <deque>

#include "artemis/generate/answer.h"
#include "artemis/generate/decoding.h"

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

// Tokens of all requests that are read in one pass at most, unless one alone has more.
constexpr std::int64_t prefill_tokens = 4096;

std::int64_t tokens_of(const GenerateRequest& request) {
  return static_cast<std::int64_t>(request.prompt.size());
}

std::vector<std::int64_t> plan(const GraftConfig& config, std::span<const GenerateRequest> requests,
                               const GenerateOptions& options) {
  require(options.max_new_tokens > 0, "generate", "max_new_tokens is {}, expected at least 1",
          options.max_new_tokens);
  std::vector<std::int64_t> max_tokens;
  for (const GenerateRequest& request : requests) {
    require(!request.prompt.empty(), "generate", "the prompt has no tokens, expected at least one");
    max_tokens.push_back(tokens_of(request) + options.max_new_tokens);
    require(max_tokens.back() <= config.text.max_position_embeddings, "generate",
            "a prompt of {} tokens and {} new ones pass the model's context of {}", tokens_of(request),
            options.max_new_tokens, config.text.max_position_embeddings);
  }
  return max_tokens;
}

Tensor features_of(Context& ctx, const Graft& model, const GraftConfig& config,
                   std::span<const GenerateRequest> requests) {
  std::vector<const PictureBatch*> each;
  for (const GenerateRequest& request : requests) each.push_back(&request.pictures);
  const PictureBatch pictures = join_pictures(each);
  if (pictures.empty()) return {};
  const Tensor features = ctx.allocate(model.language_model.embed_tokens.dtype(),
                                       {image_tokens(*config.vision, pictures), config.text.hidden_size});
  image_features(ctx, features, pictures, model, config);
  return features;
}

// The tokens that follow the turns of the last pass, drawn where the logits lie.
std::span<const std::int32_t> tokens_of_pass(Decoding& decoding, std::deque<Answer>& answers,
                                             std::span<const Turn> turns) {
  if (std::ranges::all_of(turns,
                          [&](const Turn& turn) { return answers[turn.sequence].takes_likeliest(); })) {
    return decoding.likeliest();
  }
  std::vector<RowSampling> rows;
  for (const Turn& turn : turns) {
    rows.push_back(answers[turn.sequence].draw());
    rows.back().seen_row = static_cast<std::int64_t>(turn.sequence);
  }
  return decoding.sample(rows);
}

// One pass for these turns, each of which takes a token.
void step(Decoding& decoding, std::deque<Answer>& answers, const std::vector<Turn>& turns,
          const Tensor& features) {
  decoding.advance(turns, features);
  const std::span<const std::int32_t> tokens = tokens_of_pass(decoding, answers, turns);
  for (std::size_t i = 0; i < turns.size(); ++i) answers[turns[i].sequence].take(tokens[i]);
}

std::vector<GenerateResult> continue_all(Context& ctx, const Graft& model, const GraftConfig& config,
                                         const Tokenizer& tokenizer,
                                         std::span<const GenerateRequest> requests,
                                         const GenerateOptions& options, const TextCallback& on_text) {
  const std::vector<std::int64_t> max_tokens = plan(config, requests, options);
  std::deque<Answer> answers;
  for (const GenerateRequest& request : requests)
    answers.emplace_back(tokenizer, request.prompt, options, on_text);
  Decoding decoding(ctx, model, config, max_tokens);
  if (Sampler(options.sampling).needs_history()) decoding.keep_history();
  std::vector<Turn> turns;
  for (std::size_t begin = 0, end = 0; begin < requests.size(); begin = end) {
    turns.clear();
    for (std::int64_t tokens = 0; end < requests.size(); ++end) {
      tokens += tokens_of(requests[end]);
      if (end > begin && tokens > prefill_tokens) break;
      turns.push_back({end, requests[end].prompt});
    }
    const Arena::Scope scope(ctx.arena());
    step(decoding, answers, turns, features_of(ctx, model, config, requests.subspan(begin, end - begin)));
  }
  for (;;) {
    turns.clear();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].ended()) turns.push_back({i, answers[i].last()});
    }
    if (turns.empty()) break;
    step(decoding, answers, turns, Tensor());
  }
  std::vector<GenerateResult> results;
  for (Answer& answer : answers) results.push_back(answer.finish());
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

#include "artemis/generate/generator.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "artemis/generate/stop_filter.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

constexpr std::int64_t page_size = 64;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// One conversation: its cache, and the memory of its steps, planned before the first.
class Decoding {
 public:
  Decoding(Context& ctx, const Graft& model, const GraftConfig& config, std::int64_t max_tokens)
      : ctx_(ctx), model_(model), config_(config) {
    const std::int64_t pages = (max_tokens + page_size - 1) / page_size;
    const std::int64_t kv_width = config.text.num_key_value_heads * config.text.head_dim;
    dtype_ = model.language_model.embed_tokens.dtype();
    cache_ = KvCache(dtype_, config.text.num_hidden_layers, pages, page_size, kv_width, ctx.device());
    std::vector<std::int32_t> in_order(static_cast<std::size_t>(pages));
    std::iota(in_order.begin(), in_order.end(), 0);
    page_table_ = Tensor::from<std::int32_t>(in_order, {1, pages}).to(ctx.device());
    logits_ = Tensor::allocate(DType::f32, {1, config.text.vocab_size}, ctx.device());
  }

  // Logits of the token after `tokens`, which follow those of the calls before.
  std::span<float> advance(std::span<const std::int32_t> tokens, const Tensor& features) {
    const Arena::Scope scope(ctx_.arena());
    const auto count = static_cast<std::int64_t>(tokens.size());
    batch_.input_ids.assign(tokens.begin(), tokens.end());
    batch_.offsets.assign({0, static_cast<std::int32_t>(count)});
    batch_.positions.resize(tokens.size());
    std::iota(batch_.positions.begin(), batch_.positions.end(), static_cast<std::int32_t>(length_));
    length_ += count;
    const auto in_cache = static_cast<std::int32_t>(length_);
    const Tensor lengths = ctx_.upload(DType::i32, {1}, &in_cache);
    const Tensor rows = ctx_.upload(DType::i32, {count}, batch_.positions.data());  // pages lie in order
    const Shape shape{count, config_.text.hidden_size};
    const Tensor x = ctx_.allocate(dtype_, shape);
    const Tensor hidden = ctx_.allocate(dtype_, shape);
    embed(ctx_, x, batch_, features, model_, config_);
    decoder_infer_cached(ctx_, hidden, cache_, {page_table_, lengths, rows}, x, batch_, model_.language_model,
                         config_.text);
    linear_forward(ctx_, logits_, hidden.rows(count - 1, count), model_.language_model.lm_head, Tensor());
    host_logits_ = logits_.to(Device{});
    return host_logits_.mutable_values<float>();
  }

 private:
  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  DType dtype_;
  KvCache cache_;
  Tensor page_table_;
  Tensor logits_;
  Tensor host_logits_;  // on the CPU the same as logits_
  TextBatch batch_;
  std::int64_t length_ = 0;
};

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
  require(!prompt.empty(), "generate", "the prompt has no tokens, expected at least one");
  require(options.max_new_tokens > 0, "generate", "max_new_tokens is {}, expected at least 1",
          options.max_new_tokens);
  const auto prompt_tokens = static_cast<std::int64_t>(prompt.size());
  const std::int64_t max_tokens = prompt_tokens + options.max_new_tokens;
  require(max_tokens <= config.text.max_position_embeddings, "generate",
          "a prompt of {} tokens and {} new ones pass the model's context of {}", prompt_tokens,
          options.max_new_tokens, config.text.max_position_embeddings);

  const auto start = std::chrono::steady_clock::now();
  const Arena::Scope scope(ctx.arena());
  Tensor features;
  if (!pictures.empty()) {
    features = ctx.allocate(model.language_model.embed_tokens.dtype(),
                            {image_tokens(*config.vision, pictures), config.text.hidden_size});
    image_features(ctx, features, pictures, model, config);
  }
  Decoding decoding(ctx, model, config, max_tokens);
  Sampler sampler(options.sampling);
  StopFilter filter(options.stop);
  StreamDecoder stream(tokenizer, options.skip_special_tokens);
  std::vector<std::int32_t> history = prompt;
  history.reserve(static_cast<std::size_t>(max_tokens));

  GenerateResult result;
  result.ids.reserve(static_cast<std::size_t>(options.max_new_tokens));
  result.finish_reason = "length";
  const auto show = [&](const std::string& piece) {
    result.text += piece;
    if (on_text && !piece.empty()) on_text(piece);
  };
  std::span<float> logits = decoding.advance(prompt, features);
  auto decode_start = start;
  for (std::int64_t i = 0; i < options.max_new_tokens; ++i) {
    const std::int32_t token = sampler.next(logits, history);
    if (i == 0) {
      result.prefill_seconds = seconds_since(start);
      decode_start = std::chrono::steady_clock::now();
    }
    result.ids.push_back(token);
    history.push_back(token);
    if (!options.ignore_eos && std::ranges::find(options.end_tokens, token) != options.end_tokens.end()) {
      result.finish_reason = "stop";
      break;
    }
    show(filter.push(stream.push(token)));
    if (filter.stopped()) {
      result.finish_reason = "stop";
      break;
    }
    if (i + 1 < options.max_new_tokens) logits = decoding.advance(std::span(&result.ids.back(), 1), Tensor());
  }
  show(filter.push(stream.flush()));
  show(filter.flush());
  if (filter.stopped()) result.finish_reason = "stop";
  result.decode_seconds = seconds_since(decode_start);
  return result;
}

}  // namespace artemis

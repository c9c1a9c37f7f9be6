#include "artemis/serve/prepare.h"

#include <random>

#include "artemis/serve/api_error.h"
#include "artemis/serve/reasoning.h"

namespace artemis {
namespace {

[[noreturn]] void refuse_context(std::int64_t most, const std::string& found, const char* param) {
  throw ApiError(400,
                 fmt::format("This model's maximum context length is {} tokens. However, {}.", most, found),
                 param, "context_length_exceeded");
}

std::int64_t length(const std::vector<std::int32_t>& tokens) {
  return static_cast<std::int64_t>(tokens.size());
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// The shape of all pictures together, as Processor::encode() reads it.
PictureBatch shape_of(const std::vector<EnginePicture>& pictures) {
  PictureBatch shape;
  for (const EnginePicture& picture : pictures) shape.grid_thw.push_back(picture.patches.grid_thw.front());
  return shape;
}

// What stands for the answer, or behind its thought; null: anything.
std::shared_ptr<const Grammar> form_of(const ChatRequest& chat) {
  const bool json = chat.form != ResponseForm::text;
  const Json* schema = chat.form == ResponseForm::json_schema ? &chat.schema : nullptr;
  switch (chat.tool_choice) {
    case ToolChoice::required:
    case ToolChoice::named:
      return tool_call_grammar(chat.tools, chat.tool_name, chat.parallel_tool_calls);
    case ToolChoice::automatic:
      if (json) return json_or_calls_grammar(schema, chat.tools, chat.parallel_tool_calls);
      return chat.strict_tools ? text_or_calls_grammar(chat.tools, chat.parallel_tool_calls) : nullptr;
    case ToolChoice::none:
      break;
  }
  if (schema != nullptr) return json_schema_grammar(*schema);
  return json ? json_object_grammar() : nullptr;
}

// What the answer may say, from the thought on where the prompt has opened one; null: anything.
std::shared_ptr<const Grammar> grammar_of(const ChatRequest& chat, bool thinks) {
  const std::shared_ptr<const Grammar> form = form_of(chat);
  if (form == nullptr || !thinks) return form;
  const bool anything = chat.tool_choice == ToolChoice::automatic && chat.form == ResponseForm::text;
  return behind_text(*form, thought_end, anything);
}

// The parameter whose schema a grammar refused.
const char* refused_param(const Error& error) {
  const std::string_view text = error.what();
  return text.starts_with("[tools") || text.starts_with("[schema tools") ? "tools" : "response_format";
}

}  // namespace

std::vector<EnginePicture> Preparation::load(const std::vector<PictureUrl>& urls, Patience& patience) const {
  if (urls.empty()) return {};
  if (!model_.takes_pictures()) {
    throw ApiError(400, fmt::format("The model '{}' takes no pictures.", model_.name()), urls.front().place,
                   "no_pictures");
  }
  std::vector<EnginePicture> pictures;
  std::int64_t tokens = 0;
  for (const PictureUrl& url : urls) {
    pictures.push_back(pictures_.load(url, patience));
    const auto& [frames, rows, columns] = pictures.back().patches.grid_thw.front();
    tokens += frames * rows * columns / model_.config().vision->merge_length();
    refuse_too_long(tokens, 0, "messages");
  }
  return pictures;
}

void Preparation::refuse_too_long(std::int64_t tokens, std::int64_t new_tokens, const char* param) const {
  if (tokens + new_tokens <= model_.max_tokens() && tokens < model_.max_tokens()) return;
  if (new_tokens == 0)
    refuse_context(model_.max_tokens(), fmt::format("your {} came to {} or more", param, tokens), param);
  refuse_context(model_.max_tokens(),
                 fmt::format("you requested {} tokens ({} in the {}, {} in the completion)",
                             tokens + new_tokens, tokens, param, new_tokens),
                 param);
}

PreparedPrompt Preparation::prompt_of(const ChatRequest& request, Patience& patience) const {
  if (!model_.has_template()) {
    throw ApiError(400,
                   fmt::format("The model '{}' has no chat template, use /v1/completions.", model_.name()),
                   "model", "no_chat_template");
  }
  ChatOptions options;
  options.add_generation_prompt = true;
  options.enable_thinking = request.thinking ? request.thinking : thinking_;
  if (!request.tools.is_null()) options.tools = &request.tools;
  PreparedPrompt prompt;
  prompt.pictures = load(request.messages.pictures, patience);
  try {
    const std::string text = model_.processor().chat_template().render(request.messages.list, options);
    prompt.opens_thought = opens_thought(text);
    // A text that is too long at once is not cut into tokens first.
    refuse_too_long(static_cast<std::int64_t>(text.size() / model_.longest_token()), 0, "messages");
    prompt.tokens = model_.processor().encode(text, shape_of(prompt.pictures), true);
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    throw refused_request(error, "messages", "invalid_value");
  }
  return prompt;
}

PreparedPrompt Preparation::prompt_of(
    const std::variant<std::string, std::vector<std::int32_t>>& prompt) const {
  PreparedPrompt result;
  if (const auto* tokens = std::get_if<std::vector<std::int32_t>>(&prompt)) {
    result.tokens = *tokens;
  } else {
    result.tokens = tokens_of(std::get<std::string>(prompt), true);
  }
  if (result.tokens.empty()) throw ApiError(400, "The prompt has no tokens.", "prompt", "invalid_value");
  return result;
}

std::vector<std::int32_t> Preparation::tokens_of(std::string_view text, bool add_special_tokens) const {
  refuse_too_long(static_cast<std::int64_t>(text.size() / model_.longest_token()), 0, "prompt");
  return model_.tokenizer().encode(text, add_special_tokens);
}

GenerateOptions Preparation::options_of(const AnswerParameters& answer, std::int64_t prompt_tokens) const {
  GenerateOptions options;
  options.max_new_tokens = answer.max_tokens.value_or(model_.max_tokens() - prompt_tokens);
  options.sampling = answer.sampling.applied_to(model_.defaults().sampling);
  SamplingOptions& sampling = options.sampling;
  if (sampling.top_p == 0.0f) {  // the likeliest token alone
    sampling.top_p = 1.0f;
    sampling.top_k = 1;
  }
  for (const auto& [token, bias] : answer.logit_bias) {
    if (token >= model_.config().text.vocab_size) {
      throw ApiError(400, fmt::format("Invalid 'logit_bias': {} is no token of the model.", token),
                     "logit_bias", "invalid_value");
    }
    options.logit_bias[token] = bias;
  }
  options.logprobs = answer.logprobs;
  options.stop = answer.stop;
  options.end_tokens = model_.defaults().end_tokens;
  options.ignore_eos = answer.ignore_eos;
  options.shown_tokens = model_.shown_tokens();
  return options;
}

void Preparation::constrain(EngineRequest& request, const ChatRequest& chat, bool thinks) const {
  std::shared_ptr<const Grammar> grammar;
  try {
    grammar = grammar_of(chat, thinks);
  } catch (const Error& error) {
    throw ApiError(400, error.what(), refused_param(error), "invalid_schema");
  }
  if (grammar == nullptr) return;
  if (model_.token_bytes() == nullptr) {
    throw ApiError(400, fmt::format("The model '{}' cannot be held to a form.", model_.name()),
                   chat.tool_choice == ToolChoice::none ? "response_format" : "tools", "invalid_value");
  }
  request.constraint = std::make_shared<Constraint>(std::move(grammar), model_.token_bytes());
}

std::vector<EngineRequest> Preparation::requests(const PreparedPrompt& prompt, const AnswerParameters& answer,
                                                 const ChatRequest* chat) const {
  refuse_too_long(length(prompt.tokens), answer.max_tokens.value_or(0),
                  chat != nullptr ? "messages" : "prompt");
  EngineRequest request;
  request.prompt = prompt.tokens;
  request.pictures = prompt.pictures;
  request.options = options_of(answer, length(prompt.tokens));
  if (chat != nullptr) constrain(request, *chat, prompt.opens_thought);
  const std::uint64_t seed = answer.seed.value_or(random_seed());
  std::vector<EngineRequest> requests;
  for (std::int64_t i = 0; i < answer.n; ++i) {
    requests.push_back(request);
    requests.back().options.sampling.seed = seed + static_cast<std::uint64_t>(i);
    if (request.constraint) requests.back().constraint = std::make_shared<Constraint>(*request.constraint);
  }
  return requests;
}

}  // namespace artemis

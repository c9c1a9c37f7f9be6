#include "artemis/serve/openai_request.h"

#include <charconv>
#include <limits>

#include "artemis/serve/request_parts.h"

namespace artemis {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t most_new_tokens = std::int64_t{1} << 31;
constexpr int deepest = 128;  // nested arrays and objects of a body

Json parse_body(std::string_view body) {
  try {
    return parse_json(body, "body", deepest);
  } catch (const Error& error) {
    throw ApiError(
        400, fmt::format("The body of the request could not be read: {}.", message_without_place(error)), "",
        "invalid_json");
  }
}

std::int32_t to_token(const Json& value, const std::string& place, std::int64_t vocab_size) {
  return static_cast<std::int32_t>(to_integer(value, place, 0, vocab_size - 1));
}

std::vector<std::int32_t> to_tokens(const Json& list, const std::string& place, std::int64_t vocab_size) {
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < list.size(); ++i) {
    tokens.push_back(to_token(list[i], fmt::format("{}[{}]", place, i), vocab_size));
  }
  return tokens;
}

// The keys are token ids, as text.
void read_logit_bias(Fields& fields, AnswerParameters& answer) {
  const Json* biases = fields.find("logit_bias");
  if (biases == nullptr) return;
  const std::string place = fields.place("logit_bias");
  if (to_object(*biases, place).size() > most_biases) {
    wrong_value(place, fmt::format("{} entries, expected at most {}", biases->size(), most_biases));
  }
  for (const auto& [key, value] : biases->items()) {
    std::int32_t token = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc() || end != key.data() + key.size() || token < 0) {
      wrong_value(place, fmt::format("the key '{}' is no token id", key));
    }
    const double bias = to_number(value, fmt::format("{}.{}", place, key), -100, 100);
    answer.logit_bias.emplace_back(token, static_cast<float>(bias));
  }
}

void read_stop(Fields& fields, AnswerParameters& answer) {
  const Json* stop = fields.find("stop");
  if (stop == nullptr) return;
  const std::string place = fields.place("stop");
  if (stop->is_string()) {
    answer.stop = {stop->get<std::string>()};
  } else if (stop->is_array()) {
    if (stop->size() > most_stops) {
      wrong_value(place, fmt::format("an array of {}, expected at most {}", stop->size(), most_stops));
    }
    for (std::size_t i = 0; i < stop->size(); ++i) {
      answer.stop.push_back(to_text((*stop)[i], fmt::format("{}[{}]", place, i)));
    }
  } else {
    wrong_type(place, *stop, "a string or an array of strings");
  }
  constexpr std::size_t longest = 1024;
  for (const std::string& text : answer.stop) {
    if (text.empty()) wrong_value(place, "a stop string is empty");
    if (text.size() > longest) {
      wrong_value(place,
                  fmt::format("a stop string has {} bytes, expected at most {}", text.size(), longest));
    }
  }
}

void read_stream(Fields& fields, AnswerParameters& answer) {
  answer.stream = fields.boolean("stream").value_or(false);
  const Json* options = fields.find("stream_options");
  if (options == nullptr) return;
  const std::string place = fields.place("stream_options");
  if (!answer.stream) wrong_value(place, "it is allowed only when 'stream' is true");
  Fields members(*options, place);
  answer.include_usage = members.boolean("include_usage").value_or(false);
  members.refuse_others({"include_obfuscation"});
}

// What both kinds of completions take.
AnswerParameters read_answer(Fields& fields) {
  AnswerParameters answer;
  answer.model = fields.text("model").value_or("");
  answer.max_tokens = fields.integer("max_tokens", 1, most_new_tokens);
  answer.sampling.temperature = fields.number("temperature", 0, 2);
  answer.sampling.top_p = fields.number("top_p", 0, 1);
  answer.sampling.min_p = fields.number("min_p", 0, 1);
  answer.sampling.top_k = fields.integer("top_k", -1, most_new_tokens);
  if (answer.sampling.top_k == -1) answer.sampling.top_k = 0;
  answer.sampling.repetition_penalty = fields.number("repetition_penalty", 0.01, 100);
  answer.sampling.frequency_penalty = fields.number("frequency_penalty", -2, 2);
  answer.sampling.presence_penalty = fields.number("presence_penalty", -2, 2);
  read_logit_bias(fields, answer);
  if (const auto seed = fields.integer("seed", -largest - 1, largest)) {
    answer.seed = static_cast<std::uint64_t>(*seed);
  }
  answer.n = fields.integer("n", 1, most_choices).value_or(1);
  read_stop(fields, answer);
  answer.ignore_eos = fields.boolean("ignore_eos").value_or(false);
  read_stream(fields, answer);
  return answer;
}

// Members that OpenAI has and that ask for what is not here, but for their values that ask for nothing.
void refuse_unsupported(Fields& fields) {
  for (const char* key : {"audio", "web_search_options", "moderation"}) {
    if (fields.find(key) != nullptr) wrong_value(fields.place(key), "it is not supported");
  }
  for (const char* key : {"functions", "function_call"}) {
    if (fields.find(key) != nullptr) wrong_value(fields.place(key), "it is not supported, use 'tools'");
  }
  const Json* modalities = fields.find("modalities");
  if (modalities != nullptr && *modalities != Json::array({"text"})) {
    wrong_value(fields.place("modalities"), "only [\"text\"] is supported");
  }
}

void read_chat_logprobs(Fields& fields, AnswerParameters& answer) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, most_logprobs);
  if (top && !wanted) wrong_value(fields.place("top_logprobs"), "it is allowed only when 'logprobs' is true");
  if (wanted) answer.logprobs = top.value_or(0);
}

ChatRequest read_chat(Fields& fields) {
  ChatRequest request;
  request.answer = read_answer(fields);
  if (const auto tokens = fields.integer("max_completion_tokens", 1, most_new_tokens)) {
    request.answer.max_tokens = tokens;
  }
  read_chat_logprobs(fields, request.answer);
  request.messages = read_messages_field(fields);
  read_tools(fields, request);
  read_response_format(fields, request);
  read_thinking(fields, request);
  refuse_unsupported(fields);
  fields.refuse_others({"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
                        "prompt_cache_options", "prompt_cache_retention", "prediction", "verbosity"});
  return request;
}

void read_prompts(const Json& prompt, const std::string& place, std::int64_t vocab_size,
                  CompletionRequest& request) {
  if (prompt.is_string()) {
    request.prompts.emplace_back(prompt.get<std::string>());
    return;
  }
  if (!prompt.is_array()) wrong_type(place, prompt, "a string or an array");
  if (prompt.empty()) wrong_value(place, "the array is empty");
  if (prompt[0].is_number()) {
    request.prompts.emplace_back(to_tokens(prompt, place, vocab_size));
    return;
  }
  if (prompt.size() > static_cast<std::size_t>(most_choices)) {
    wrong_value(place, fmt::format("{} prompts, expected at most {}", prompt.size(), most_choices));
  }
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", place, i);
    if (prompt[0].is_string()) {
      request.prompts.emplace_back(to_text(prompt[i], at));
    } else {
      request.prompts.emplace_back(to_tokens(to_list(prompt[i], at), at, vocab_size));
    }
  }
}

}  // namespace

ChatRequest parse_chat_request(std::string_view body) {
  const Json json = parse_body(body);
  Fields fields(json, "");
  return read_chat(fields);
}

CompletionRequest parse_completion_request(std::string_view body, std::int64_t vocab_size) {
  const Json json = parse_body(body);
  Fields fields(json, "");
  CompletionRequest request;
  request.answer = read_answer(fields);
  request.answer.logprobs = fields.integer("logprobs", 0, most_logprobs);
  read_prompts(fields.required("prompt"), fields.place("prompt"), vocab_size, request);
  request.echo = fields.boolean("echo").value_or(false);
  if (request.echo && request.answer.logprobs) {
    wrong_value("logprobs", "those of the prompt ('echo') are not supported");
  }
  if (fields.text("suffix").value_or("") != "") wrong_value("suffix", "it is not supported");
  const auto best_of = fields.integer("best_of", 1, most_choices);
  if (best_of && *best_of != request.answer.n) wrong_value("best_of", "only the value of 'n' is supported");
  const auto prompts = static_cast<std::int64_t>(request.prompts.size());
  if (prompts * request.answer.n > most_choices) {
    wrong_value("n", fmt::format("{} prompts with {} choices each, expected at most {} choices in all",
                                 prompts, request.answer.n, most_choices));
  }
  fields.refuse_others({"user"});
  return request;
}

TokenizeRequest parse_tokenize_request(std::string_view body) {
  const Json json = parse_body(body);
  Fields fields(json, "");
  TokenizeRequest request;
  request.model = fields.text("model").value_or("");
  request.add_special_tokens = fields.boolean("add_special_tokens").value_or(true);
  const bool has_messages = fields.find("messages") != nullptr;
  if (has_messages == (fields.find("prompt") != nullptr)) {
    throw ApiError(400, "Expected either 'prompt' or 'messages'.", "prompt", "invalid_value");
  }
  if (has_messages) {
    ChatRequest chat;
    chat.messages = read_messages_field(fields);
    read_tools(fields, chat);
    read_thinking(fields, chat);
    request.input = std::move(chat);
  } else {
    request.input = fields.required_text("prompt");
  }
  fields.refuse_others();
  return request;
}

DetokenizeRequest parse_detokenize_request(std::string_view body, std::int64_t vocab_size) {
  const Json json = parse_body(body);
  Fields fields(json, "");
  DetokenizeRequest request;
  request.model = fields.text("model").value_or("");
  request.tokens = to_tokens(to_list(fields.required("tokens"), "tokens"), "tokens", vocab_size);
  fields.refuse_others();
  return request;
}

}  // namespace artemis

#include "artemis/serve/openai_response.h"

#include <fmt/format.h>

#include <algorithm>

#include "artemis/text/utf8.h"

namespace artemis {
namespace {

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json head_json(const ResponseHead& head, std::string_view object) {
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}};
}

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}}};
}

// JSON has no infinities; OpenAI writes -9999 for a token that could not be drawn.
float finite(float logprob) { return std::max(logprob, -9999.0f); }

std::string text_of(const TokenChance& token) { return replace_invalid_utf8(token.bytes); }

Json chance_json(const TokenChance& token) {
  Json bytes = Json::array();
  for (const char byte : token.bytes) bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", text_of(token)}, {"logprob", finite(token.logprob)}, {"bytes", std::move(bytes)}};
}

Json chat_logprobs(const std::vector<TokenChances>& tokens) {
  Json content = Json::array();
  for (const TokenChances& token : tokens) {
    Json entry = chance_json(token.drawn);
    Json top = Json::array();
    for (const TokenChance& chance : token.top) top.push_back(chance_json(chance));
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json text_logprobs(const TextChoice& choice) {
  Json tokens = Json::array();
  Json logprobs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();
  std::int64_t offset = choice.text_offset;
  for (const TokenChances& token : choice.logprobs) {
    tokens.push_back(text_of(token.drawn));
    logprobs.push_back(finite(token.drawn.logprob));
    Json likeliest = Json::object();
    for (const TokenChance& chance : token.top) likeliest[text_of(chance)] = finite(chance.logprob);
    // The drawn one too, where it is none of these.
    likeliest.emplace(text_of(token.drawn), finite(token.drawn.logprob));
    top.push_back(std::move(likeliest));
    offsets.push_back(offset);
    offset += characters_of({token});
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(top)},
          {"text_offset", std::move(offsets)}};
}

Json call_json(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json finish_json(const std::string& reason) { return reason.empty() ? Json() : Json(reason); }

Json text_choice_json(const TextChoice& choice) {
  return {{"index", choice.index},
          {"text", choice.text},
          {"logprobs", choice.has_logprobs ? text_logprobs(choice) : Json()},
          {"finish_reason", finish_json(choice.finish_reason)}};
}

}  // namespace

std::string chat_completion(const ResponseHead& head, const std::vector<ChatChoice>& choices,
                            const Usage& usage) {
  Json list = Json::array();
  for (const ChatChoice& choice : choices) {
    const bool calls_alone = choice.content.empty() && !choice.calls.empty();
    Json message = {{"role", "assistant"},
                    {"content", calls_alone ? Json() : Json(choice.content)},
                    {"refusal", nullptr}};
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    if (!choice.calls.empty()) {
      Json calls = Json::array();
      for (const ToolCall& call : choice.calls) calls.push_back(call_json(call));
      message["tool_calls"] = std::move(calls);
    }
    list.push_back({{"index", choice.index},
                    {"message", std::move(message)},
                    {"logprobs", choice.has_logprobs ? chat_logprobs(choice.logprobs) : Json()},
                    {"finish_reason", finish_json(choice.finish_reason)}});
  }
  Json json = head_json(head, "chat.completion");
  json["choices"] = std::move(list);
  json["usage"] = usage_json(usage);
  return text_of(json);
}

std::string chat_chunk(const ResponseHead& head, const ChatChoice& choice, bool begins, bool usage_follows) {
  Json delta = Json::object();
  if (begins) {
    delta["role"] = "assistant";
    delta["content"] = choice.content;
  }
  if (!choice.reasoning.empty()) delta["reasoning_content"] = choice.reasoning;
  if (!choice.content.empty()) delta["content"] = choice.content;
  if (!choice.calls.empty()) {
    Json calls = Json::array();
    for (std::size_t i = 0; i < choice.calls.size(); ++i) {
      Json call = {{"index", choice.first_call + static_cast<std::int64_t>(i)}};
      call.update(call_json(choice.calls[i]));
      calls.push_back(std::move(call));
    }
    delta["tool_calls"] = std::move(calls);
  }
  const bool has_logprobs = choice.has_logprobs && !choice.logprobs.empty();
  Json json = head_json(head, "chat.completion.chunk");
  json["choices"] = Json::array({{{"index", choice.index},
                                  {"delta", std::move(delta)},
                                  {"logprobs", has_logprobs ? chat_logprobs(choice.logprobs) : Json()},
                                  {"finish_reason", finish_json(choice.finish_reason)}}});
  if (usage_follows) json["usage"] = nullptr;
  return text_of(json);
}

std::string text_completion(const ResponseHead& head, const std::vector<TextChoice>& choices,
                            const Usage& usage) {
  Json list = Json::array();
  for (const TextChoice& choice : choices) list.push_back(text_choice_json(choice));
  Json json = head_json(head, "text_completion");
  json["choices"] = std::move(list);
  json["usage"] = usage_json(usage);
  return text_of(json);
}

std::string text_chunk(const ResponseHead& head, const TextChoice& choice, bool usage_follows) {
  Json json = head_json(head, "text_completion");
  json["choices"] = Json::array({text_choice_json(choice)});
  if (usage_follows) json["usage"] = nullptr;
  return text_of(json);
}

std::string usage_chunk(const ResponseHead& head, std::string_view object, const Usage& usage) {
  Json json = head_json(head, object);
  json["choices"] = Json::array();
  json["usage"] = usage_json(usage);
  return text_of(json);
}

std::int64_t characters_of(const std::vector<TokenChances>& tokens) {
  std::int64_t characters = 0;
  for (const TokenChances& token : tokens) {
    // Every byte but those that go on with a character.
    characters += std::ranges::count_if(
        token.drawn.bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; });
  }
  return characters;
}

std::string event(std::string_view data) { return fmt::format("data: {}\n\n", data); }

}  // namespace artemis

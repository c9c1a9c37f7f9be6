// Bodies of requests: what is taken, and what is refused with which parameter.
#include <gtest/gtest.h>

#include "artemis/serve/api_error.h"
#include "artemis/serve/openai_request.h"

namespace artemis {
namespace {

constexpr std::int64_t vocab_size = 824;

// A sound chat request with these members changed (null: left out).
std::string chat_with(const Json& changes) {
  Json body = {{"model", "m"}, {"messages", Json::array({{{"role", "user"}, {"content", "Hi"}}})}};
  for (const auto& [key, value] : changes.items()) body[key] = value;
  return body.dump();
}

std::string chat_text(const std::string& members) {
  return R"({"model": "m", "messages": [{"role": "user", "content": "Hi"}], )" + members + "}";
}

std::string messages_text(const std::string& messages) {
  return R"({"model": "m", "messages": )" + messages + "}";
}

TEST(ChatRequest, TheLeastAndTheMost) {
  const ChatRequest least = parse_chat_request(chat_with(Json::object()));
  EXPECT_EQ(least.answer.model, "m");
  EXPECT_EQ(least.answer.n, 1);
  EXPECT_FALSE(least.answer.stream || least.answer.max_tokens || least.answer.sampling.temperature ||
               least.answer.seed);
  EXPECT_FALSE(least.answer.logprobs || least.thinking);
  EXPECT_EQ(least.tool_choice, ToolChoice::none);
  EXPECT_EQ(least.messages.list, Json::array({{{"role", "user"}, {"content", "Hi"}}}));

  const ChatRequest most = parse_chat_request(chat_text(R"(
    "max_tokens": 3, "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9, "top_k": -1, "min_p": 0.1,
    "frequency_penalty": -2, "presence_penalty": 2, "repetition_penalty": 1.1, "logit_bias": {"7": -100, "8": 1},
    "seed": -1, "n": 64, "stop": ["a", "b"], "stream": true, "stream_options": {"include_usage": true},
    "logprobs": true, "top_logprobs": 20, "ignore_eos": true, "reasoning_effort": "none",
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": {"a": 1}}},
    "user": "u", "metadata": {"a": "b"}, "store": false, "parallel_tool_calls": null)"));
  EXPECT_EQ(most.answer.max_tokens, 9);
  EXPECT_EQ(most.answer.sampling.top_k, 0);
  EXPECT_EQ(most.answer.seed, ~std::uint64_t{0});
  EXPECT_EQ(most.answer.n, 64);
  EXPECT_EQ(most.answer.logit_bias, (std::vector<std::pair<std::int32_t, float>>{{7, -100.0f}, {8, 1.0f}}));
  EXPECT_EQ(most.answer.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(most.answer.stream && most.answer.include_usage && most.answer.ignore_eos);
  EXPECT_EQ(most.answer.logprobs, 20);
  EXPECT_EQ(most.thinking, false);
  EXPECT_EQ(most.form, ResponseForm::json_schema);
  EXPECT_EQ(most.schema, Json({{"a", 1}}));
  EXPECT_EQ(parse_chat_request(chat_text(R"("logprobs": true)")).answer.logprobs, 0);
  EXPECT_EQ(parse_chat_request(chat_text(R"("stop": "x")")).answer.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(parse_chat_request(chat_text(R"("chat_template_kwargs": {"enable_thinking": true})")).thinking,
            true);
}

TEST(ChatRequest, MessagesBecomeThoseOfTheTemplate) {
  const ChatRequest request = parse_chat_request(messages_text(R"([
    {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "short."}]},
    {"role": "user", "name": "ann", "content": [{"type": "image_url", "image_url": {"url": "data:a", "detail": "low"}},
      {"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "data:b"}}]},
    {"role": "assistant", "content": null, "reasoning_content": "hm", "refusal": null, "tool_calls": [
      {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": [1, \"2\"]}"}},
      {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "done"}])"));
  EXPECT_EQ(request.messages.list, Json::parse(R"([
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}, {"type": "image"}]},
    {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [
      {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {"a": [1, "2"]}}},
      {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": {}}}]},
    {"role": "tool", "content": "done", "tool_call_id": "call_1"}])"));
  ASSERT_EQ(request.messages.pictures.size(), 2u);
  EXPECT_EQ(request.messages.pictures[1].url, "data:b");
  EXPECT_EQ(request.messages.pictures[1].place, "messages[1].content[2].image_url.url");
}

TEST(ChatRequest, Tools) {
  const std::string tools = R"("tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}])";
  const ChatRequest automatic = parse_chat_request(chat_text(tools));
  EXPECT_EQ(automatic.tool_choice, ToolChoice::automatic);
  EXPECT_EQ(automatic.tools.size(), 1u);
  EXPECT_TRUE(automatic.parallel_tool_calls);
  EXPECT_FALSE(automatic.strict_tools);
  EXPECT_TRUE(parse_chat_request(chat_text(R"("tools": [
      {"type": "function", "function": {"name": "f", "strict": true}},
      {"type": "function", "function": {"name": "g", "strict": false}}])"))
                  .strict_tools);
  EXPECT_EQ(parse_chat_request(chat_text(tools + R"(, "response_format": {"type": "json_object"})")).form,
            ResponseForm::json_object);
  const ChatRequest none = parse_chat_request(chat_text(tools + R"(, "tool_choice": "none")"));
  EXPECT_EQ(none.tool_choice, ToolChoice::none);
  EXPECT_TRUE(none.tools.is_null());
  const ChatRequest named = parse_chat_request(
      chat_text(tools + R"(, "tool_choice": {"type": "function", "function": {"name": "f"}})"));
  EXPECT_EQ(named.tool_choice, ToolChoice::named);
  EXPECT_EQ(named.tool_name, "f");
  EXPECT_EQ(parse_chat_request(chat_text(R"("tools": [], "tool_choice": "auto")")).tool_choice,
            ToolChoice::none);
}

TEST(CompletionRequest, Prompts) {
  const auto parsed = [](const std::string& prompt) {
    return parse_completion_request(R"({"model": "m", "prompt": )" + prompt + "}", vocab_size).prompts;
  };
  EXPECT_EQ(std::get<std::string>(parsed("\"a\"")[0]), "a");
  EXPECT_EQ(std::get<std::string>(parsed(R"(["a", "b"])")[1]), "b");
  EXPECT_EQ(std::get<std::vector<std::int32_t>>(parsed("[1, 2]")[0]), (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(std::get<std::vector<std::int32_t>>(parsed("[[1], [2, 3]]")[1]),
            (std::vector<std::int32_t>{2, 3}));
}

TEST(TokenizeRequest, TextOrMessages) {
  const TokenizeRequest text = parse_tokenize_request(R"({"prompt": "a", "add_special_tokens": false})");
  EXPECT_EQ(std::get<std::string>(text.input), "a");
  EXPECT_FALSE(text.add_special_tokens);
  const TokenizeRequest chat =
      parse_tokenize_request(R"({"model": "m", "messages": [{"role": "user", "content": "a"}]})");
  EXPECT_EQ(std::get<ChatRequest>(chat.input).messages.list.size(), 1u);
  EXPECT_EQ(parse_detokenize_request(R"({"tokens": [5, 6]})", vocab_size).tokens,
            (std::vector<std::int32_t>{5, 6}));
}

struct Refusal {
  std::string body;
  std::string param;
};

template <typename Parse>
void expect_refusals(const std::vector<Refusal>& refusals, const Parse& parse) {
  for (const Refusal& refusal : refusals) {
    const std::string shown = refusal.body.substr(0, 200);
    try {
      parse(refusal.body);
      ADD_FAILURE() << "taken: " << shown;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 400) << shown;
      EXPECT_EQ(error.param(), refusal.param) << shown << "\n" << error.what();
      const Json body = Json::parse(error.body())["error"];
      EXPECT_FALSE(body["message"].get<std::string>().empty());
      EXPECT_EQ(body["type"], "invalid_request_error");
      EXPECT_LT(error.body().size(), 2000u);
    }
  }
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ChatRequest, WhatIsMalformedIsNamed) {
  const std::string call = R"({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}})";
  const auto part = [](const std::string& text) {
    return messages_text(R"([{"role": "user", "content": [)" + text + "]}]");
  };
  const auto with_call = [](const std::string& text) {
    return messages_text(R"([{"role": "assistant", "tool_calls": )" + text + "}]");
  };
  const auto tool = [](const std::string& text) { return chat_text("\"tools\": [" + text + "]"); };
  const auto format = [](const std::string& text) { return chat_text("\"response_format\": " + text); };
  const std::string good_tool = R"({"type": "function", "function": {"name": "f"}})";
  const std::vector<Refusal> refusals{
      {"", ""},
      {"{", ""},
      {"null", ""},
      {"[]", ""},
      {"\"text\"", ""},
      {"{\"model\": \"\xff\"}", ""},
      {std::string("{\"model\": \"m\0\"}", 15), ""},
      {nested(100000), ""},
      {chat_text("\"metadata\": " + nested(1000)), ""},
      {chat_text("\"temperature\": NaN"), ""},
      {chat_text("\"temperature\": 1e999"), ""},
      {chat_with({{"model", 7}}), "model"},
      {R"({"model": "m"})", "messages"},
      {chat_with({{"messages", nullptr}}), "messages"},
      {chat_with({{"messages", "Hi"}}), "messages"},
      {messages_text("[]"), "messages"},
      {messages_text("[1]"), "messages[0]"},
      {messages_text("[{}]"), "messages[0].role"},
      {messages_text(R"([{"role": 1, "content": "Hi"}])"), "messages[0].role"},
      {messages_text(R"([{"role": "function", "content": "Hi"}])"), "messages[0].role"},
      {messages_text(R"([{"role": "user"}])"), "messages[0].content"},
      {messages_text(R"([{"role": "user", "content": 1}])"), "messages[0].content"},
      {messages_text(R"([{"role": "user", "content": []}])"), "messages[0].content"},
      {messages_text(R"([{"role": "user", "content": "a", "colour": 1}])"), "messages[0].colour"},
      {messages_text(R"([{"role": "user", "content": "a", "name": 1}])"), "messages[0].name"},
      {messages_text(R"([{"role": "assistant"}])"), "messages[0].content"},
      {part("1"), "messages[0].content[0]"},
      {part("{}"), "messages[0].content[0].type"},
      {part(R"({"type": "video_url"})"), "messages[0].content[0].type"},
      {part(R"({"type": "input_audio", "input_audio": {}})"), "messages[0].content[0].type"},
      {part(R"({"type": "text"})"), "messages[0].content[0].text"},
      {part(R"({"type": "text", "text": ["a"]})"), "messages[0].content[0].text"},
      {part(R"({"type": "image_url"})"), "messages[0].content[0].image_url"},
      {part(R"({"type": "image_url", "image_url": "data:"})"), "messages[0].content[0].image_url"},
      {part(R"({"type": "image_url", "image_url": {}})"), "messages[0].content[0].image_url.url"},
      {part(R"({"type": "image_url", "image_url": {"url": ""}})"), "messages[0].content[0].image_url.url"},
      {part(R"({"type": "image_url", "image_url": {"url": "d", "detail": "all"}})"),
       "messages[0].content[0].image_url.detail"},
      {messages_text(
           R"([{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "d"}}]}])"),
       "messages[0].content[0].type"},
      {with_call("{}"), "messages[0].tool_calls"},
      {with_call("[]"), "messages[0].tool_calls"},
      {with_call(R"([{"id": "c", "type": "custom"}])"), "messages[0].tool_calls[0].type"},
      {with_call(R"([{"id": "c", "function": {"arguments": "{}"}}])"),
       "messages[0].tool_calls[0].function.name"},
      {with_call(R"([{"function": {"name": "f", "arguments": "{}"}}])"), "messages[0].tool_calls[0].id"},
      {with_call(R"([{"id": "c", "function": {"name": "f", "arguments": "{"}}])"),
       "messages[0].tool_calls[0].function.arguments"},
      {with_call(R"([{"id": "c", "function": {"name": "f", "arguments": "[1]"}}])"),
       "messages[0].tool_calls[0].function.arguments"},
      {with_call(R"([{"id": "c", "function": {"name": "f", "arguments": 7}}])"),
       "messages[0].tool_calls[0].function.arguments"},
      {messages_text(R"([{"role": "tool", "content": "a"}])"), "messages[0].tool_call_id"},
      {messages_text(R"([{"role": "assistant", "tool_calls": [)" + call +
                     R"(]}, {"role": "tool", "tool_call_id": "d", "content": "a"}])"),
       "messages[1].tool_call_id"},
      {chat_text("\"max_tokens\": 0"), "max_tokens"},
      {chat_text("\"max_tokens\": 1.5"), "max_tokens"},
      {chat_text("\"max_completion_tokens\": -1"), "max_completion_tokens"},
      {chat_text("\"max_tokens\": 18446744073709551615"), "max_tokens"},
      {chat_text("\"temperature\": \"hot\""), "temperature"},
      {chat_text("\"temperature\": -0.1"), "temperature"},
      {chat_text("\"temperature\": 2.1"), "temperature"},
      {chat_text("\"temperature\": true"), "temperature"},
      {chat_text("\"top_p\": 1.01"), "top_p"},
      {chat_text("\"top_p\": -1"), "top_p"},
      {chat_text("\"top_k\": -2"), "top_k"},
      {chat_text("\"top_k\": 0.5"), "top_k"},
      {chat_text("\"min_p\": 2"), "min_p"},
      {chat_text("\"frequency_penalty\": 2.5"), "frequency_penalty"},
      {chat_text("\"presence_penalty\": -2.5"), "presence_penalty"},
      {chat_text("\"repetition_penalty\": 0"), "repetition_penalty"},
      {chat_text("\"logit_bias\": []"), "logit_bias"},
      {chat_text("\"logit_bias\": {\"word\": 1}"), "logit_bias"},
      {chat_text("\"logit_bias\": {\"-1\": 1}"), "logit_bias"},
      {chat_text("\"logit_bias\": {\"5\": 101}"), "logit_bias.5"},
      {chat_text("\"logit_bias\": {\"5\": null}"), "logit_bias.5"},
      {chat_text("\"seed\": 0.5"), "seed"},
      {chat_text("\"seed\": 9223372036854775808"), "seed"},
      {chat_text("\"n\": 0"), "n"},
      {chat_text("\"n\": 65"), "n"},
      {chat_text("\"n\": \"2\""), "n"},
      {chat_text("\"stop\": 1"), "stop"},
      {chat_text("\"stop\": \"\""), "stop"},
      {chat_text("\"stop\": [\"a\", 1]"), "stop[1]"},
      {chat_with({{"stop", Json(std::vector<std::string>(17, "a"))}}), "stop"},
      {chat_with({{"stop", std::string(2000, 'a')}}), "stop"},
      {chat_text("\"stream\": 1"), "stream"},
      {chat_text("\"stream_options\": {\"include_usage\": true}"), "stream_options"},
      {chat_text(R"("stream": true, "stream_options": {"include_usage": "yes"})"),
       "stream_options.include_usage"},
      {chat_text("\"logprobs\": 3"), "logprobs"},
      {chat_text("\"top_logprobs\": 3"), "top_logprobs"},
      {chat_text("\"logprobs\": true, \"top_logprobs\": 21"), "top_logprobs"},
      {chat_text("\"tools\": {}"), "tools"},
      {tool("1"), "tools[0]"},
      {tool(R"({"type": "custom"})"), "tools[0].type"},
      {tool(R"({"type": "function"})"), "tools[0].function"},
      {tool(R"({"type": "function", "function": {"name": "a b"}})"), "tools[0].function.name"},
      {tool(R"({"type": "function", "function": {"name": "a", "parameters": "p"}})"),
       "tools[0].function.parameters"},
      {tool(good_tool + ", " + good_tool), "tools[1].function.name"},
      {chat_text("\"tool_choice\": \"required\""), "tool_choice"},
      {chat_text("\"tool_choice\": \"any\""), "tool_choice"},
      {chat_text("\"tool_choice\": 1"), "tool_choice"},
      {chat_text("\"tools\": [" + good_tool +
                 R"(], "tool_choice": {"type": "function", "function": {"name": "g"}})"),
       "tool_choice.function.name"},
      {chat_text("\"parallel_tool_calls\": \"no\""), "parallel_tool_calls"},
      {format("\"json\""), "response_format"},
      {format("{}"), "response_format.type"},
      {format(R"({"type": "xml"})"), "response_format.type"},
      {format(R"({"type": "json_schema"})"), "response_format.json_schema"},
      {format(R"({"type": "json_schema", "json_schema": {"schema": {}}})"),
       "response_format.json_schema.name"},
      {format(R"({"type": "json_schema", "json_schema": {"name": "s"}})"),
       "response_format.json_schema.schema"},
      {format(R"({"type": "json_schema", "json_schema": {"name": "s", "schema": []}})"),
       "response_format.json_schema.schema"},
      {chat_text("\"reasoning_effort\": \"some\""), "reasoning_effort"},
      {chat_text("\"chat_template_kwargs\": []"), "chat_template_kwargs"},
      {chat_text("\"chat_template_kwargs\": {\"enable_thinking\": 1}"),
       "chat_template_kwargs.enable_thinking"},
      {chat_text("\"chat_template_kwargs\": {\"messages\": 1}"), "chat_template_kwargs.messages"},
      {chat_text("\"functions\": []"), "functions"},
      {chat_text("\"audio\": {}"), "audio"},
      {chat_text("\"modalities\": [\"audio\"]"), "modalities"},
      {chat_text("\"chat_template\": \"{{ 1 }}\""), "chat_template"},
      {chat_text("\"temprature\": 1"), "temprature"},
      {chat_with({{std::string(100000, 'k'), 1}}), std::string(64, 'k')},
  };
  ASSERT_GE(refusals.size(), 60u);
  expect_refusals(refusals, [](const std::string& body) { parse_chat_request(body); });
}

TEST(CompletionRequest, WhatIsMalformedIsNamed) {
  const auto with = [](const std::string& members) {
    return R"({"model": "m", "prompt": "a", )" + members + "}";
  };
  const auto prompt = [](const std::string& text) { return R"({"model": "m", "prompt": )" + text + "}"; };
  expect_refusals(
      {
          {R"({"model": "m"})", "prompt"},
          {prompt("null"), "prompt"},
          {prompt("{}"), "prompt"},
          {prompt("7"), "prompt"},
          {prompt("[]"), "prompt"},
          {prompt("[1, \"a\"]"), "prompt[1]"},
          {prompt("[824]"), "prompt[0]"},
          {prompt("[-1]"), "prompt[0]"},
          {prompt("[1.5]"), "prompt[0]"},
          {prompt("[\"a\", 1]"), "prompt[1]"},
          {prompt("[[1], 2]"), "prompt[1]"},
          {prompt("[true]"), "prompt[0]"},
          {prompt(Json(std::vector<std::string>(65, "a")).dump()), "prompt"},
          {R"({"model": "m", "prompt": ["a", "b"], "n": 33})", "n"},
          {with("\"logprobs\": true"), "logprobs"},
          {with("\"logprobs\": 21"), "logprobs"},
          {with("\"echo\": true, \"logprobs\": 1"), "logprobs"},
          {with("\"suffix\": \"b\""), "suffix"},
          {with("\"best_of\": 2"), "best_of"},
          {with("\"messages\": []"), "messages"},
      },
      [](const std::string& body) { parse_completion_request(body, vocab_size); });
}

TEST(TokenizeRequest, WhatIsMalformedIsNamed) {
  expect_refusals({{"{}", "prompt"},
                   {R"({"prompt": "a", "messages": []})", "prompt"},
                   {R"({"prompt": 1})", "prompt"},
                   {R"({"messages": []})", "messages"},
                   {R"({"prompt": "a", "x": 1})", "x"}},
                  [](const std::string& body) { parse_tokenize_request(body); });
  expect_refusals({{"{}", "tokens"}, {R"({"tokens": [824]})", "tokens[0]"}, {R"({"tokens": "a"})", "tokens"}},
                  [](const std::string& body) { parse_detokenize_request(body, vocab_size); });
}

TEST(ApiErrorTest, TheBodyIsOpenAIs) {
  EXPECT_EQ(
      ApiError(404, "No model.", "model", "model_not_found").body(),
      R"({"error":{"message":"No model.","type":"invalid_request_error","param":"model","code":"model_not_found"}})");
  EXPECT_EQ(Json::parse(ApiError(401, "No key.").body())["error"]["type"], "authentication_error");
  EXPECT_TRUE(Json::parse(ApiError(503, "Busy.").body())["error"]["param"].is_null());
  EXPECT_EQ(message_without_place(Error("/some/file:3", "bad")), "bad");
}

}  // namespace
}  // namespace artemis

// Bodies of answers, whole and in pieces.
#include <gtest/gtest.h>

#include <cmath>

#include "artemis/serve/openai_response.h"

namespace artemis {
namespace {

const ResponseHead head{"chatcmpl-1", 7, "m"};

std::vector<TokenChances> cup() {
  return {{{" c\xc3", -0.5f}, {{" c\xc3", -0.5f}, {"x", -INFINITY}}}, {{"\xa9", -0.25f}, {}}};
}

TEST(Response, ChatCompletion) {
  const ChatChoice plain{.index = 0, .content = "A \xc3\xa9.", .finish_reason = "stop"};
  const ChatChoice calls{.index = 1,
                         .reasoning = "hm",
                         .calls = {{"call_a", "f", "{\"a\":1}"}},
                         .logprobs = cup(),
                         .has_logprobs = true,
                         .finish_reason = "tool_calls"};
  const Json json = Json::parse(chat_completion(head, {plain, calls}, {10, 4, 6, 2}));
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["created"], 7);
  EXPECT_EQ(json["choices"][0]["message"],
            Json::parse(R"({"role": "assistant", "content": "A é.", "refusal": null})"));
  EXPECT_TRUE(json["choices"][0]["logprobs"].is_null());
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["choices"][1]["message"],
            Json::parse(R"({"role": "assistant", "content": null, "refusal": null,
      "reasoning_content": "hm", "tool_calls": [{"id": "call_a", "type": "function",
      "function": {"name": "f", "arguments": "{\"a\":1}"}}]})"));
  EXPECT_EQ(json["choices"][1]["logprobs"]["content"], Json::parse(R"([
      {"token": " c\ufffd", "logprob": -0.5, "bytes": [32, 99, 195], "top_logprobs": [
        {"token": " c\ufffd", "logprob": -0.5, "bytes": [32, 99, 195]},
        {"token": "x", "logprob": -9999.0, "bytes": [120]}]},
      {"token": "\ufffd", "logprob": -0.25, "bytes": [169], "top_logprobs": []}])"));
  EXPECT_EQ(json["usage"], Json::parse(R"({"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16,
      "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}})"));
}

TEST(Response, ChatChunks) {
  const auto choice_of = [](const std::string& text) { return Json::parse(text)["choices"][0]; };
  EXPECT_EQ(choice_of(chat_chunk(head, {.content = ""}, true, false))["delta"],
            Json::parse(R"({"role": "assistant", "content": ""})"));
  EXPECT_EQ(
      choice_of(chat_chunk(head, {.index = 2, .content = "a"}, false, false)),
      Json::parse(R"({"index": 2, "delta": {"content": "a"}, "logprobs": null, "finish_reason": null})"));
  EXPECT_EQ(choice_of(chat_chunk(head, {.reasoning = "r"}, false, false))["delta"],
            Json::parse(R"({"reasoning_content": "r"})"));
  const ChatChoice call{.calls = {{"call_a", "f", "{}"}}, .first_call = 1, .finish_reason = "tool_calls"};
  EXPECT_EQ(choice_of(chat_chunk(head, call, false, false)),
            Json::parse(R"({"index": 0, "delta": {"tool_calls": [
      {"index": 1, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
      "logprobs": null, "finish_reason": "tool_calls"})"));
  EXPECT_FALSE(Json::parse(chat_chunk(head, {}, false, false)).contains("usage"));
  EXPECT_TRUE(Json::parse(chat_chunk(head, {}, false, true))["usage"].is_null());
  const Json last = Json::parse(usage_chunk(head, "chat.completion.chunk", {1, 0, 2, 0}));
  EXPECT_TRUE(last["choices"].empty());
  EXPECT_EQ(last["usage"]["total_tokens"], 3);
  EXPECT_EQ(event("{}"), "data: {}\n\n");
}

TEST(Response, TextCompletion) {
  const TextChoice choice{.index = 1,
                          .text = " c\xc3\xa9",
                          .logprobs = cup(),
                          .has_logprobs = true,
                          .text_offset = 5,
                          .finish_reason = "length"};
  const Json json = Json::parse(text_completion(head, {choice}, {}));
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["choices"][0], Json::parse(R"({"index": 1, "text": " cé", "logprobs": {
      "tokens": [" c\ufffd", "\ufffd"], "token_logprobs": [-0.5, -0.25],
      "top_logprobs": [{" c\ufffd": -0.5, "x": -9999.0}, {"\ufffd": -0.25}], "text_offset": [5, 8]}, "finish_reason": "length"})"));
  EXPECT_EQ(characters_of(cup()), 3);
  EXPECT_TRUE(Json::parse(text_chunk(head, choice, true))["usage"].is_null());
}

}  // namespace
}  // namespace artemis

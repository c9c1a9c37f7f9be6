// What OpenAI's Python client sends back of an answer, and what newer clients add.
#include <gtest/gtest.h>

#include "artemis/serve/api_error.h"
#include "artemis/serve/openai_request.h"

namespace artemis {
namespace {

ChatRequest parsed(const std::string& messages, const std::string& more = "") {
  return parse_chat_request(R"({"model": "m", "messages": )" + messages + more + "}");
}

TEST(Messages, AnAnswerThatTheClientParsedIsTakenBack) {
  const ChatRequest request = parsed(R"([
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "{\"a\": 1}", "parsed": {"a": 1}, "tool_calls": [
      {"id": "call_1", "type": "function",
       "function": {"name": "f", "arguments": "{\"b\": 2}", "parsed_arguments": {"b": 2}}}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "done"}])");
  EXPECT_EQ(request.messages.list[1], Json::parse(R"({"role": "assistant", "content": "{\"a\": 1}",
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {"b": 2}}}]})"));
}

TEST(Messages, WhatHasNoEffectIsTaken) {
  const ChatRequest request = parsed(R"([{"role": "user", "content": [
    {"type": "image_url", "image_url": {"url": "data:a", "detail": "original"}},
    {"type": "text", "text": "What?", "prompt_cache_breakpoint": {"mode": "explicit"}}]}])");
  EXPECT_EQ(request.messages.list[0]["content"],
            Json::parse(R"([{"type": "image"}, {"type": "text", "text": "What?"}])"));
}

std::string allowed(const std::string& mode, const std::string& name) {
  return R"(, "tools": [{"type": "function", "function": {"name": "f", "strict": true}},
                        {"type": "function", "function": {"name": "g"}}],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": ")" +
         mode + R"(", "tools": [{"type": "function", "function": {"name": ")" + name + R"("}}]}})";
}

TEST(ToolChoiceTest, AllowedToolsAreTheOnlyOnes) {
  const std::string hi = R"([{"role": "user", "content": "Hi"}])";
  const ChatRequest automatic = parsed(hi, allowed("auto", "g"));
  EXPECT_EQ(automatic.tool_choice, ToolChoice::automatic);
  ASSERT_EQ(automatic.tools.size(), 1u);
  EXPECT_EQ(automatic.tools[0]["function"]["name"], "g");
  EXPECT_FALSE(automatic.strict_tools);
  const ChatRequest required = parsed(hi, allowed("required", "f"));
  EXPECT_EQ(required.tool_choice, ToolChoice::required);
  EXPECT_TRUE(required.strict_tools);
  const auto refused = [&](const std::string& more) -> std::string {
    try {
      parsed(hi, more);
    } catch (const ApiError& error) {
      return error.param();
    }
    return "";
  };
  EXPECT_EQ(refused(allowed("never", "f")), "tool_choice.allowed_tools.mode");
  EXPECT_EQ(refused(allowed("auto", "h")), "tool_choice.allowed_tools.tools[0].function.name");
}

}  // namespace
}  // namespace artemis

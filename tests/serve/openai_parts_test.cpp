// The small parts of the service: choices of a chat, API keys, names, the thread that hands answers on.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "artemis/serve/chat_answer.h"
#include "artemis/serve/delivery.h"
#include "artemis/serve/secrets.h"

namespace artemis {
namespace {

const Json tools = Json::parse(R"([{"type": "function", "function": {"name": "f"}}])");
const ArgumentReader reader(tools);
constexpr std::string_view call = "<tool_call>\n<function=f>\n</function>\n</tool_call>";

TEST(ChatAnswerTest, ThoughtContentAndCalls) {
  ChatAnswer answer(true, &reader, false, [] { return "call_1"; });
  ChatChoice choice;
  answer.push("hm <tool_call></think>\nI call", choice);
  EXPECT_EQ(choice.reasoning, "hm <tool_call>");
  EXPECT_EQ(choice.content, "I call");
  EXPECT_FALSE(answer.has_calls());
  choice = {};
  answer.push("\n" + std::string(call), choice);
  answer.push("\n" + std::string(call), choice);
  answer.flush(choice);
  EXPECT_EQ(choice.content, "");
  EXPECT_EQ(choice.first_call, 0);
  ASSERT_EQ(choice.calls.size(), 2u);
  EXPECT_EQ(choice.calls[1].name, "f");
  EXPECT_FALSE(answer.complete());
}

TEST(ChatAnswerTest, OneCallEndsIt) {
  ChatAnswer answer(false, &reader, true, [] { return "call_1"; });
  ChatChoice choice;
  answer.push(std::string(call) + " more " + std::string(call), choice);
  answer.flush(choice);
  EXPECT_TRUE(answer.complete());
  EXPECT_EQ(choice.calls.size(), 1u);
  EXPECT_EQ(choice.content, "");
}

TEST(ChatAnswerTest, WithoutToolsTagsAreText) {
  ChatAnswer answer(false, nullptr, false, [] { return "call_1"; });
  ChatChoice choice;
  answer.push(call, choice);
  answer.flush(choice);
  EXPECT_EQ(choice.content, call);
  EXPECT_FALSE(answer.has_calls());
}

TEST(ChatAnswerTest, TokensOfThoughtsAreCounted) {
  const Tokenizer tokenizer = Tokenizer::load(std::string(ARTEMIS_SOURCE_DIR) + "/lab/models/nano-vlm");
  const std::int32_t end = *tokenizer.token_to_id("</think>");
  const std::vector<std::int32_t> red = tokenizer.encode("a red cup", false);
  std::vector<std::int32_t> ids = red;
  ids.push_back(end);
  ids.insert(ids.end(), red.begin(), red.end());
  EXPECT_EQ(reasoning_tokens(tokenizer, true, ids), std::ssize(red) + 1);
  EXPECT_EQ(reasoning_tokens(tokenizer, true, red), std::ssize(red));
  EXPECT_EQ(reasoning_tokens(tokenizer, false, ids), 0);
  ids.insert(ids.begin(), *tokenizer.token_to_id("<think>"));
  EXPECT_EQ(reasoning_tokens(tokenizer, false, ids), std::ssize(red) + 2);
}

TEST(Secrets, KeysAreComparedWhole) {
  const std::vector<std::string> keys = {"one", "another"};
  EXPECT_TRUE(is_authorised("Bearer one", keys));
  EXPECT_TRUE(is_authorised("bearer another", keys));
  for (const char* wrong : {"", "one", "Bearer", "Bearer ", "Bearer on", "Bearer onee", "Bearer One",
                            "Basic one", "Bearer one "}) {
    EXPECT_FALSE(is_authorised(wrong, keys)) << wrong;
  }
  EXPECT_FALSE(is_authorised("Bearer ", {}));
  EXPECT_EQ(bearer_key("BEARER one"), "one");
  EXPECT_EQ(bearer_key("Basic one"), "");
  const std::string digest = sha256("abc");  // FIPS 180-4's example
  ASSERT_EQ(digest.size(), 32u);
  EXPECT_EQ(digest.substr(0, 4), "\xba\x78\x16\xbf");
}

TEST(Secrets, NamesDiffer) {
  RandomNames names;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(names.next("call_"));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen.begin()->size(), 29u);
}

TEST(DeliveryTest, WorkOfEachThreadIsDoneInOrder) {
  constexpr int count = 2000;
  std::vector<int> first, second;  // on the delivery's thread alone
  {
    Delivery delivery;
    const auto fill = [&delivery](std::vector<int>& list) {
      for (int i = 0; i < count; ++i) delivery.post([&list, i] { list.push_back(i); });
    };
    std::thread one([&] { fill(first); });
    fill(second);
    one.join();
  }
  ASSERT_EQ(first.size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(std::ranges::is_sorted(first));
  EXPECT_TRUE(std::ranges::is_sorted(second));
}

}  // namespace
}  // namespace artemis

// Forms and calls that answers are held to, over the real engine and the nano model.
#include "artemis/serve/reasoning.h"
#include "serve/service_fixture.h"

namespace artemis {
namespace {

using test::choice_of;
using test::question;
using test::ServiceRun;

ServiceRun& run() {
  static ServiceRun run(ServiceOptions{});
  return run;
}

Json cup_format() {
  const Json schema = Json::parse(R"({"type": "object", "properties": {"colour": {"enum": ["red", "blue"]},
      "round": {"type": "boolean"}}, "required": ["colour", "round"], "additionalProperties": false})");
  return {{"type", "json_schema"}, {"json_schema", {{"name", "s"}, {"schema", schema}}}};
}

TEST(Service, FormsAreHeld) {
  const Json format = cup_format();
  const Json body =
      run().chat(question("Describe a cup.", {{"response_format", format}, {"max_tokens", 200}}))->json();
  const Json value = Json::parse(choice_of(body)["message"]["content"].get<std::string>());
  EXPECT_TRUE(value["colour"] == "red" || value["colour"] == "blue");
  EXPECT_TRUE(value["round"].is_boolean());
  EXPECT_EQ(choice_of(body)["finish_reason"], "stop");

  // A whole form ends, even where the model's own ends are not heard.
  const Json unending = {{"response_format", format}, {"ignore_eos", true}, {"max_tokens", 200}};
  EXPECT_EQ(choice_of(run().chat(question("Describe a cup.", unending))->json())["finish_reason"], "stop");

  // Behind a thought as well, which the answer does not end within.
  for (int seed = 0; seed < 4; ++seed) {
    const Json more = {{"response_format", format},
                       {"reasoning_effort", "high"},
                       {"temperature", 1.0},
                       {"seed", seed},
                       {"max_tokens", 1000}};
    const Json thought = run().chat(question("Describe a cup.", more))->json();
    if (choice_of(thought)["finish_reason"] == "length") continue;
    const Json after = Json::parse(choice_of(thought)["message"]["content"].get<std::string>());
    EXPECT_TRUE(after["round"].is_boolean());
  }

  Json bad = format;
  bad["json_schema"]["schema"]["properties"]["colour"] = {{"type", "paint"}};
  const auto refused = run().chat(question("A cup?", {{"response_format", bad}}));
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(refused->json()["error"]["param"], "response_format");
}

// A thought's end may be spelled out in ordinary tokens.
TEST(Service, FormsAreHeldBehindASpelledTag) {
  const Tokenizer& tokenizer = test::NanoModel::get().processor.tokenizer();
  Json pull = {{std::to_string(*tokenizer.token_to_id("</think>")), -100}};
  for (const char* piece : {"</", "t", "h", "ink", ">"})
    pull[std::to_string(*tokenizer.token_to_id(piece))] = 100;
  const Json more = {{"response_format", cup_format()},
                     {"reasoning_effort", "high"},
                     {"logit_bias", pull},
                     {"frequency_penalty", 2},
                     {"seed", 0},
                     {"max_tokens", 240},
                     {"n", 24}};
  int ended = 0;
  const Json body = run().chat(question("Describe a cup.", more))->json();
  for (const Json& choice : body["choices"]) {
    if (choice["finish_reason"] == "length") continue;
    const Json value = Json::parse(choice["message"]["content"].get<std::string>());
    EXPECT_TRUE(value["round"].is_boolean()) << choice;
    ++ended;
  }
  EXPECT_GT(ended, 0);
}

TEST(Service, ToolsAreCalled) {
  const Json tool =
      Json::parse(R"({"type": "function", "function": {"name": "paint", "parameters": {"type": "object",
      "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "wet": {"type": "boolean"},
                     "code": {"anyOf": [{"const": "[1]"}, {"type": "array", "minItems": 2, "maxItems": 1}]}},
      "required": ["colour", "wet", "code"]}}})");
  Json more = {{"tools", Json::array({tool})},
               {"tool_choice", "required"},
               {"parallel_tool_calls", false},
               {"max_tokens", 200}};
  const Json body = run().chat(question("Paint it.", more))->json();
  const Json& choice = choice_of(body);
  ASSERT_EQ(choice["finish_reason"], "tool_calls") << body;
  EXPECT_TRUE(choice["message"]["content"].is_null());
  ASSERT_EQ(choice["message"]["tool_calls"].size(), 1u);
  const Json& call = choice["message"]["tool_calls"][0];
  EXPECT_TRUE(call["id"].get<std::string>().starts_with("call_"));
  EXPECT_EQ(call["function"]["name"], "paint");
  const Json arguments = Json::parse(call["function"]["arguments"].get<std::string>());
  EXPECT_TRUE(arguments["colour"].is_string());
  EXPECT_TRUE(arguments["wet"].is_boolean());
  EXPECT_EQ(arguments["code"], "[1]");

  more["stream"] = true;
  more["tool_choice"] = {{"type", "function"}, {"function", {{"name", "paint"}}}};
  const std::vector<Json> events = run().chat(question("Paint it.", more))->events();
  std::vector<Json> calls;
  for (const Json& piece : events) {
    const Json& delta = choice_of(piece)["delta"];
    if (delta.contains("tool_calls")) calls.push_back(delta["tool_calls"][0]);
  }
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0]["index"], 0);
  EXPECT_EQ(calls[0]["function"]["arguments"], call["function"]["arguments"]);
  EXPECT_EQ(choice_of(events.back())["finish_reason"], "tool_calls");
}

// A tool, and a bias that has the model call it or not.
Json with_paint(bool strict, float bias, const Json& more = Json::object()) {
  Json tool =
      Json::parse(R"({"type": "function", "function": {"name": "paint", "parameters": {"type": "object",
      "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "wet": {"type": "boolean"}},
      "required": ["colour", "wet"]}}})");
  tool["function"]["strict"] = strict;
  const auto tag = *test::NanoModel::get().processor.tokenizer().token_to_id("<tool_call>");
  Json body = {{"tools", Json::array({tool})},
               {"parallel_tool_calls", false},
               {"logit_bias", {{std::to_string(tag), bias}}},
               {"temperature", 1.0},
               {"max_tokens", 200}};
  body.update(more);
  return body;
}

TEST(Service, StrictToolsAreHeldOnceACallBegins) {
  for (int seed = 0; seed < 4; ++seed) {
    const Json body = run().chat(question("Paint it.", with_paint(true, 100, {{"seed", seed}})))->json();
    const Json& choice = choice_of(body);
    ASSERT_EQ(choice["finish_reason"], "tool_calls") << body;
    ASSERT_EQ(choice["message"]["tool_calls"].size(), 1u);
    const Json& function = choice["message"]["tool_calls"][0]["function"];
    EXPECT_EQ(function["name"], "paint");
    const Json arguments = Json::parse(function["arguments"].get<std::string>());
    EXPECT_TRUE(arguments["colour"] == "red" || arguments["colour"] == "blue") << arguments;
    EXPECT_TRUE(arguments["wet"].is_boolean()) << arguments;
    // Text, and a thought, in which the answer may end, are what the bare prompt goes on with.
    for (const bool thinks : {false, true}) {
      Json asked =
          question("Describe a red cup.", with_paint(true, -100, {{"seed", seed}, {"max_tokens", 60}}));
      asked.erase("reasoning_effort");
      asked["chat_template_kwargs"] = {{"enable_thinking", thinks}};
      const Json message = choice_of(run().chat(asked)->json())["message"];
      const Json prompt = {{"messages", asked["messages"]},
                           {"tools", asked["tools"]},
                           {"chat_template_kwargs", asked["chat_template_kwargs"]}};
      const Json bare = {{"prompt", run().ask("POST", "/tokenize", prompt.dump())->json()["tokens"]},
                         {"seed", seed},
                         {"max_tokens", 60},
                         {"logit_bias", asked["logit_bias"]},
                         {"temperature", 1.0}};
      const std::string text = choice_of(run().ask("POST", "/v1/completions", bare.dump())->json())["text"];
      EXPECT_FALSE(text.empty());
      const ReasoningPiece taken_apart = split_reasoning(thinks, text);
      EXPECT_EQ(message.value("reasoning_content", ""), taken_apart.reasoning);
      EXPECT_EQ(message["content"], taken_apart.content);
    }
  }
  Json bad = with_paint(true, 0);
  bad["tools"][0]["function"]["parameters"]["properties"]["wet"] = {{"not", Json::object()}};
  const auto refused = run().chat(question("Paint it.", bad));
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(refused->json()["error"]["param"], "tools");
  bad["tools"][0]["function"]["strict"] = false;
  EXPECT_EQ(run().chat(question("Paint it.", bad))->status(), 200);
}

TEST(Service, CallsOrAForm) {
  const Json schema = Json::parse(
      R"({"type": "object", "properties": {"round": {"type": "boolean"}}, "required": ["round"]})");
  const Json format = {{"type", "json_schema"}, {"json_schema", {{"name", "s"}, {"schema", schema}}}};
  const auto asked = [&](float bias) {
    return choice_of(
        run().chat(question("Paint it.", with_paint(true, bias, {{"response_format", format}})))->json());
  };
  const Json called = asked(100);
  EXPECT_EQ(called["finish_reason"], "tool_calls") << called;
  EXPECT_TRUE(called["message"]["content"].is_null());
  const Json told = asked(-100);
  EXPECT_EQ(told["finish_reason"], "stop") << told;
  EXPECT_TRUE(Json::parse(told["message"]["content"].get<std::string>())["round"].is_boolean());
  EXPECT_FALSE(told["message"].contains("tool_calls"));
  for (const char* which : {"tools", "response_format"}) {
    Json bad = with_paint(true, 0, {{"response_format", format}});
    Json& place = which == std::string("tools") ? bad["tools"][0]["function"]["parameters"]
                                                : bad["response_format"]["json_schema"]["schema"];
    place["properties"]["x"] = {{"not", Json::object()}};
    EXPECT_EQ(run().chat(question("Paint it.", bad))->json()["error"]["param"], which);
  }
}

}  // namespace
}  // namespace artemis

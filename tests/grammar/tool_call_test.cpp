// Tool calls as a grammar.
#include <gtest/gtest.h>

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "artemis/serve/tool_calls.h"
#include "validator.h"
#include "vocabularies.h"
#include "walks.h"

namespace artemis {
namespace {

Json tools() {
  return parse_json(R"([
    {"type": "function", "function": {"name": "zoom", "description": "Looks closer.", "parameters": {"type": "object",
      "properties": {"place": {"type": "string"}, "factor": {"type": "number", "minimum": 1, "maximum": 8},
                     "mode": {"enum": ["near", "far", 3]}},
      "required": ["place"]}}},
    {"type": "function", "function": {"name": "stop"}},
    {"type": "function", "function": {"name": "mark", "parameters": {"type": "object", "$defs": {"p": {"type": "integer"}},
      "properties": {"points": {"type": "array", "items": {"$ref": "#/$defs/p"}},
                     "label": {"type": ["string", "null"]}, "tag": {"type": "string", "pattern": "^[a-z<]+$"},
                     "note": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
                     "short": {"type": "string", "maxLength": 3}},
      "required": ["points"]}}}])",
                    "tools");
}

std::string call(const std::string& inside) { return "<tool_call>\n" + inside + "</tool_call>"; }

std::string parameter(const std::string& key, const std::string& value) {
  return "<parameter=" + key + ">\n" + value + "\n</parameter>\n";
}

std::string zoom(const std::string& parameters) {
  return call("<function=zoom>\n" + parameters + "</function>\n");
}

std::string mark(const std::string& parameters) {
  return call("<function=mark>\n" + parameter("points", "[1, 2]") + parameters + "</function>\n");
}

TEST(ToolCall, TakesWhatTheToolsTake) {
  const auto grammar = tool_call_grammar(tools(), "", false);
  const std::string stop = call("<function=stop>\n</function>\n");
  for (const std::string& text :
       {stop, zoom(parameter("place", "top left")), zoom(parameter("place", "")),
        zoom(parameter("place", "\n\n")),
        zoom(parameter("place", "a <b> </b> </parameter\n<parameter=x> \"quoted\"")),
        zoom(parameter("place", "<<</</param</parameter")),
        zoom(parameter("place", "x") + parameter("factor", "2.5")),
        zoom(parameter("place", "x") + parameter("factor", "8") + parameter("mode", "far")),
        zoom(parameter("place", "x") + parameter("mode", "3")), mark(""), mark(parameter("label", "null")),
        mark(parameter("label", "any")), mark(parameter("tag", "abc")), mark(parameter("short", "a\nb")),
        mark(parameter("note", "{\"text\": \"a < b <\\/parameter> \\u003c/parameter>\"}"))}) {
    EXPECT_TRUE(fits(grammar, text)) << text;
  }
  for (const std::string& text : {std::string(),
                                  std::string("<tool_call>"),
                                  "\n" + stop,
                                  stop + "\n",
                                  stop + "\n" + stop,
                                  call("<function=none>\n</function>\n"),
                                  zoom(""),
                                  zoom(parameter("factor", "2")),
                                  zoom(parameter("factor", "2") + parameter("place", "x")),
                                  zoom(parameter("place", "x") + parameter("factor", "9")),
                                  zoom(parameter("place", "x") + parameter("mode", "\"far\"")),
                                  zoom(parameter("place", "x") + parameter("place", "x")),
                                  zoom(parameter("place", "a</parameter>b")),
                                  mark(parameter("points", "[1]")),
                                  mark(parameter("tag", "a<")),
                                  mark(parameter("short", "abcd")),
                                  mark(parameter("note", "{\"text\": \"</parameter>\"}")),
                                  mark(parameter("note", "{}")),
                                  zoom(parameter("place", "x\x01")),
                                  zoom(parameter("place", "\xFF"))}) {
    EXPECT_FALSE(fits(grammar, text)) << text;
  }
}

TEST(ToolCall, NamedAndParallel) {
  const std::string stop = call("<function=stop>\n</function>\n");
  const std::string near = zoom(parameter("place", "x"));
  const auto one = tool_call_grammar(tools(), "zoom", false);
  EXPECT_TRUE(fits(one, near));
  EXPECT_FALSE(fits(one, stop));
  const auto several = tool_call_grammar(tools(), "", true);
  EXPECT_TRUE(fits(several, stop + "\n" + near + "\n" + stop));
  EXPECT_FALSE(fits(several, stop + near));
  EXPECT_FALSE(fits(several, stop + "\n"));
}

// The tags that are tokens are taken as tokens where a grammar names them, and nowhere else.
TEST(ToolCall, TagsAreTokens) {
  const auto vocabulary = json_vocabulary();
  const std::int32_t open = *vocabulary->added("<tool_call>");
  const std::int32_t close = *vocabulary->added("</tool_call>");
  Constraint constraint(tool_call_grammar(tools(), "zoom", false), vocabulary);
  EXPECT_EQ(ids_of(mask_of(constraint)), std::vector<std::int32_t>{open});
  EXPECT_FALSE(constraint.accept('<'));
  EXPECT_FALSE(constraint.accept(close));
  ASSERT_TRUE(constraint.accept(open));
  const std::string inside = "\n<function=zoom>\n" + parameter("place", "text");
  ASSERT_EQ(taken(constraint, inside.substr(0, inside.find("text") + 2)), inside.find("text") + 2);
  EXPECT_FALSE(constraint.accept(open)) << "no tag inside a text";
  ASSERT_EQ(taken(constraint, "xt\n</parameter>\n</function>\n"), 28u);
  EXPECT_EQ(ids_of(mask_of(constraint)), std::vector<std::int32_t>{close});
  ASSERT_TRUE(constraint.accept(close));
  EXPECT_TRUE(constraint.may_end());
  EXPECT_TRUE(ids_of(mask_of(constraint)).empty());
}

TEST(ToolCall, MaskIsWhatIsAccepted) {
  const auto grammar = tool_call_grammar(tools(), "", true);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    ASSERT_EQ(mask_fault(grammar, json_vocabulary(), seed, 150), "") << seed;
  }
}

// What the grammar allows, the server's parser takes apart into arguments that fit the tool's schema.
TEST(ToolCall, ArgumentsFitTheirSchema) {
  const Json list = tools();
  const ArgumentReader reader(list, ToolChoice::required);
  const auto grammar = tool_call_grammar(list, "", true);
  std::size_t calls = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Walk walk =
        random_walk(grammar, vocabulary({"</parameter>", "\"", "x\n", "null", "{\"text\": \""}), seed, 600);
    if (!walk.complete) continue;
    ToolCallParser parser(reader, false, [] { return std::string("id"); });
    const ToolPiece piece = parser.push(walk.text);
    EXPECT_EQ(piece.content + parser.flush().content, "") << walk.text;
    for (const ToolCall& call : piece.calls) {
      const auto tool =
          std::ranges::find_if(list, [&](const Json& one) { return one["function"]["name"] == call.name; });
      ASSERT_NE(tool, list.end()) << walk.text;
      const Json schema = (*tool)["function"].value("parameters", Json::object());
      EXPECT_TRUE(fits_schema(parse_json(call.arguments, "test"), schema, schema)) << walk.text;
      ++calls;
    }
  }
  EXPECT_GT(calls, 100u);
}

// The tools, zoom and mark among them held to their schemas.
Json strict_tools() {
  Json list = tools();
  list[0]["function"]["strict"] = true;
  list[1]["function"]["strict"] = false;
  list[2]["function"]["strict"] = true;
  return list;
}

TEST(TextOrCalls, TextIsFreeAndCallsFit) {
  const auto grammar = text_or_calls_grammar(strict_tools(), true);
  const std::string near = zoom(parameter("place", "x"));
  const std::string stop = call("<function=stop>\n</function>\n");
  for (const std::string& text :
       {std::string(), std::string("Just words."), std::string("\xFF\x00 no UTF-8", 11),
        std::string("<tool_call"),
        std::string("<tool_call<tool_call <tool_calls> </tool_call> <function=zoom>"), near, "Look:\n" + near,
        near + "\nand then\n\n" + near + near + " done <", "<<tool_call<" + near,
        // Not strict: anything, up to the end.
        stop, call("<function=stop>any <tool_call> <parameter=\n</tool_cal"), near + stop + near}) {
    EXPECT_TRUE(fits(grammar, text)) << text;
  }
  for (const std::string& text :
       {std::string("<tool_call>"), std::string("a<tool_call>b"), "words " + zoom(""),
        "<<tool_call" + zoom(parameter("factor", "2")),
        near + zoom(parameter("place", "x") + parameter("factor", "9")),
        call("<function=none>\n</function>\n"), std::string("<tool_call>\n<function=stop>\n</function>"),
        near.substr(0, near.size() - 1)}) {
    EXPECT_FALSE(fits(grammar, text)) << text;
  }
  const auto one = text_or_calls_grammar(strict_tools(), false);
  EXPECT_TRUE(fits(one, "words " + near));
  EXPECT_FALSE(fits(one, near + " "));
  EXPECT_FALSE(fits(one, near + near));
}

// A text is taken while it does not hold the tag, however it begins and breaks off.
TEST(TextOrCalls, FindsTheTagWhereverItStands) {
  const auto grammar = text_or_calls_grammar(strict_tools(), true);
  const std::string tag = "<tool_call>";
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    while (text.size() < 60) text += tag.substr(0, random.below(tag.size() + 1 - (i % 4 == 0 ? 0 : 1)));
    EXPECT_EQ(fits(grammar, text), text.find(tag) == text.npos) << text;
  }
}

TEST(TextOrCalls, TheTagIsATokenOrSpelledOut) {
  const auto vocabulary = json_vocabulary();
  const std::int32_t open = *vocabulary->added("<tool_call>");
  const std::int32_t close = *vocabulary->added("</tool_call>");
  const std::int32_t end = *vocabulary->added("</s>");
  const std::string inside = "\n<function=zoom>\n";
  for (const bool spelled : {false, true}) {
    Constraint constraint(text_or_calls_grammar(strict_tools(), true), vocabulary);
    EXPECT_EQ(ids_of(mask_of(constraint)).size(), static_cast<std::size_t>(vocabulary->vocab()));
    ASSERT_EQ(taken(constraint, "words <tool_"), 12u);
    EXPECT_FALSE(constraint.accept(end)) << "not shown, it would hide that the tag is whole";
    EXPECT_FALSE(constraint.accept(close));
    EXPECT_EQ(taken(constraint, "coal> "), 6u);
    ASSERT_TRUE(constraint.accept(end));
    EXPECT_TRUE(constraint.may_end());
    ASSERT_TRUE(spelled ? taken(constraint, "<tool_call>") == 11 : constraint.accept(open));
    EXPECT_FALSE(constraint.may_end());
    EXPECT_FALSE(constraint.accept(end));
    ASSERT_EQ(taken(constraint, inside), inside.size());
    EXPECT_FALSE(constraint.accept('\n')) << "'place' is required";
    ASSERT_EQ(taken(constraint, parameter("place", "x") + "</function>\n"), 45u);
    EXPECT_EQ(ids_of(mask_of(constraint)), std::vector<std::int32_t>{close});
    ASSERT_TRUE(constraint.accept(close));
    EXPECT_TRUE(constraint.may_end());
    EXPECT_EQ(ids_of(mask_of(constraint)).size(), static_cast<std::size_t>(vocabulary->vocab()));
  }
  // Of a call that is not strict the end is the tag alone.
  Constraint loose(text_or_calls_grammar(strict_tools(), false), vocabulary);
  ASSERT_TRUE(loose.accept(open));
  ASSERT_EQ(taken(loose, "\n<function=stop>"), 16u);
  ASSERT_TRUE(loose.accept(end));
  ASSERT_TRUE(loose.accept(open));
  EXPECT_FALSE(loose.may_end());
  ASSERT_TRUE(loose.accept(close));
  EXPECT_TRUE(loose.may_end());
  EXPECT_TRUE(ids_of(mask_of(loose)).empty());
}

TEST(TextOrCalls, MaskIsWhatIsAccepted) {
  // Tokens that hold the tag, its ends, and what stands around it.
  const auto tokens =
      vocabulary({"<tool", "_call>", "<tool_call>", "a<tool_call>\n<", "l>\n<function=", "<<", "zoom>\n",
                  "stop>", "</tool_call>", "</tool_call>\n<tool_call>", "<function=", "<parameter=", "place",
                  ">\n", "\n</parameter>\n</function>\n"},
                 {"</s>", "<think>"});
  for (const bool parallel : {true, false}) {
    const auto text = text_or_calls_grammar(strict_tools(), parallel);
    const auto json = json_or_calls_grammar(nullptr, strict_tools(), parallel);
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      ASSERT_EQ(mask_fault(text, tokens, seed, 100), "") << seed;
      ASSERT_EQ(mask_fault(text, json_vocabulary(), seed, 60), "") << seed;
      ASSERT_EQ(mask_fault(json, json_vocabulary(), seed, 100), "") << seed;
    }
  }
}

// What the server takes for calls are calls that fit, all else is text.
TEST(TextOrCalls, ArgumentsFitTheirSchema) {
  const Json list = strict_tools();
  const ArgumentReader reader(list);
  const auto grammar = text_or_calls_grammar(list, true);
  const auto tokens =
      vocabulary({"<tool_call>\n<function=zoom>\n", "<tool_call>\n<function=mark>\n<parameter=points>\n[",
                  "\n</parameter>", "</function>\n</tool_call>", "\"", "words "});
  std::size_t calls = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Constraint constraint(grammar, tokens);
    Random random(seed);
    std::string text;
    for (int step = 0; step < 300 && !(step > 100 && constraint.may_end()); ++step) {
      const std::vector<std::int32_t> ids = ids_of(mask_of(constraint));
      ASSERT_FALSE(ids.empty()) << text;
      // The longest often, so that calls come and end.
      const std::int32_t id = random.below(3) > 0 && ids.back() >= 256
                                  ? ids[ids.size() - 1 - random.below(std::min<std::size_t>(3, ids.size()))]
                                  : ids[random.below(ids.size())];
      ASSERT_TRUE(constraint.accept(id));
      text += tokens->bytes(id);
    }
    if (!constraint.may_end()) continue;
    ToolCallParser parser(reader, false, [] { return std::string("id"); });
    const ToolPiece piece = parser.push(text);
    const std::string content = piece.content + parser.flush().content;
    EXPECT_EQ(content.find("<tool_call>\n<function=zoom"), content.npos) << text;
    EXPECT_EQ(content.find("<tool_call>\n<function=mark"), content.npos) << text;
    for (const ToolCall& call : piece.calls) {
      if (call.name == "stop") continue;
      const auto tool =
          std::ranges::find_if(list, [&](const Json& one) { return one["function"]["name"] == call.name; });
      ASSERT_NE(tool, list.end()) << text;
      const Json schema = (*tool)["function"]["parameters"];
      EXPECT_TRUE(fits_schema(parse_json(call.arguments, "test"), schema, schema)) << text;
      ++calls;
    }
  }
  EXPECT_GT(calls, 25u);
}

TEST(JsonOrCalls, OneOrTheOther) {
  const Json schema = parse_json(
      R"({"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": ["</x>", 1]}}, "required": ["a"]})",
      "test");
  const auto grammar = json_or_calls_grammar(&schema, strict_tools(), true);
  const auto any = json_or_calls_grammar(nullptr, strict_tools(), false);
  const std::string near = zoom(parameter("place", "x"));
  EXPECT_TRUE(fits(grammar, R"({"a": "<tool_call> <\/function>", "b": "\u003c/x>"})"));
  EXPECT_TRUE(fits(grammar, near));
  EXPECT_TRUE(fits(grammar, near + "\n" + near));
  EXPECT_TRUE(fits(any, R"({"c": [1, {}]})"));
  EXPECT_TRUE(fits(any, near));
  for (const std::string& text : {std::string(), std::string("{}"), std::string(R"({"a": "</function>"})"),
                                  std::string(R"({"a": "", "b": "</x>"})"), R"({"a": ""})" + near,
                                  "text " + near, near + R"({"a": ""})", zoom(""), std::string("words")}) {
    EXPECT_FALSE(fits(grammar, text)) << text;
  }
  EXPECT_FALSE(fits(any, near + "\n" + near));
  EXPECT_FALSE(fits(any, R"({"c</": 1})"));
}

TEST(ToolCall, NullParametersAreNone) {
  const Json tools = parse_json(R"([{"function": {"name": "f", "parameters": null}}])", "test");
  EXPECT_TRUE(fits(tool_call_grammar(tools, "", false), call("<function=f>\n</function>\n")));
}

std::string fault_of(const std::string& text, const char* name = "") {
  try {
    tool_call_grammar(parse_json(text, "test"), name, false);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(ToolCall, RefusesWhatItCannotEnforce) {
  const std::string begin = R"([{"type":"function","function":{"name":"f","parameters":)";
  const std::vector<std::pair<std::string, std::string>> faults{
      {"{}", "[tools] is object, expected a list"},
      {"[]", "[tools] is empty"},
      {"[1]", "[tools/0/function] is missing"},
      {R"([{"function":{}}])", "[tools/0/function] key 'name' is missing"},
      {R"([{"function":{"name":"a>b"}}])", "tool 'a>b' cannot be called"},
      {begin + R"({"properties":{"a\nb":{}}}}}])", "parameter 'a\\x0ab' cannot be called"},
      {begin + R"({"properties":{"a":{"not":{}}}}}}])",
       "[schema tools/0/function/parameters/properties/a] keyword 'not' cannot be enforced"},
      {begin + R"({"anyOf":[{}]}}}])", "'anyOf' of all parameters cannot be enforced"},
      {begin + R"({"not":{}}}}])", "[schema tools/0/function/parameters] keyword 'not' cannot be enforced"},
      {begin + R"({"allOf":[{"patternProperties":{"a":{}}}]}}}])",
       "[schema tools/0/function/parameters] keyword 'patternProperties' cannot be enforced"},
      {begin + R"({"minProperties":1}}}])", "'minProperties' of all parameters cannot be enforced"},
      {begin + R"({"type":"string"}}}])", "'type' does not allow an object"},
      {begin + R"({"properties":{"a":{"enum":["</parameter>"]}}}}}])", "which ends a parameter"},
      {begin + R"({"properties":{"a":false},"required":["a"]}}}])",
       "[tools] no arguments fit the parameters"},
  };
  for (const auto& [text, fault] : faults) {
    EXPECT_NE(fault_of(text).find(fault), std::string::npos) << text << ": " << fault_of(text);
  }
  EXPECT_EQ(fault_of(R"([{"function":{"name":"f"}}])", "g"), "[tools] has no function 'g'");
}

// What is not strict is not looked at but for its name.
TEST(TextOrCalls, RefusesWhatItCannotEnforceOfStrictTools) {
  const auto fault = [](const char* strict, const char* name) {
    const std::string text = fmt::format(
        R"([{{"function": {{"name": "{}", "strict": {}, "parameters": {{"properties": {{"a": {{"not": {{}}}}}}}}}}}}])",
        name, strict);
    try {
      text_or_calls_grammar(parse_json(text, "test"), true);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(fault("false", "f"), "");
  EXPECT_EQ(fault("null", "f"), "");
  EXPECT_NE(fault("true", "f").find("[schema tools/0/function/parameters/properties/a] keyword 'not'"),
            std::string::npos);
  EXPECT_NE(fault("false", "a>b").find("tool 'a>b' cannot be called"), std::string::npos);
}

}  // namespace
}  // namespace artemis

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
  const auto grammar = tool_call_grammar(list, "", true);
  std::size_t calls = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Walk walk =
        random_walk(grammar, vocabulary({"</parameter>", "\"", "x\n", "null", "{\"text\": \""}), seed, 600);
    if (!walk.complete) continue;
    ToolCallParser parser(list, false, [] { return std::string("id"); });
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
      {begin + R"({"properties":{"a":{"enum":["</parameter>"]}}}}}])", "which ends a parameter"},
      {begin + R"({"properties":{"a":false},"required":["a"]}}}])",
       "[tools] no arguments fit the parameters"},
  };
  for (const auto& [text, fault] : faults) {
    EXPECT_NE(fault_of(text).find(fault), std::string::npos) << text << ": " << fault_of(text);
  }
  EXPECT_EQ(fault_of(R"([{"function":{"name":"f"}}])", "g"), "[tools] has no function 'g'");
}

}  // namespace
}  // namespace artemis

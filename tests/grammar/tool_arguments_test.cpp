// Whatever the grammar of a tool's calls lets a model write, the server reads arguments that fit the schema.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "artemis/core/random.h"
#include "artemis/serve/tool_calls.h"
#include "validator.h"
#include "walks.h"

namespace artemis {
namespace {

// Schemas of values that may be texts, whose texts are often JSON too.
const std::vector<std::string>& parts() {
  static const std::vector<std::string> all{
      R"({"type": "string"})",
      R"({"type": "string", "maxLength": 2})",
      R"({"type": "string", "minLength": 4})",
      R"({"type": "string", "pattern": "^[0-9]{2,3}$"})",
      R"({"type": "string", "pattern": "^[\\[\\]{}\"0-9]*$"})",
      R"({"type": "string", "format": "date"})",
      R"({"enum": ["1", 5, "null", "{}", "[1]", true, 12]})",
      R"({"enum": ["true", "5", null, {"a": "<"}, [1, 2], 0.5]})",
      R"({"const": "12"})",
      R"({"const": [1, {"a": 1}]})",
      R"({"type": "integer", "maximum": 5})",
      R"({"type": "number", "minimum": 10.5})",
      R"({"type": "number"})",
      R"({"type": "integer"})",
      R"({"type": ["string", "null"], "maxLength": 3})",
      R"({"type": ["boolean", "string"], "minLength": 5})",
      R"({"type": "object", "properties": {"a": {"type": "integer"}, "<b>": {"type": "string"}}, "required": ["a"]})",
      R"({"type": "object", "additionalProperties": {"type": "integer"}})",
      R"({"type": "array", "items": {"enum": ["1", 2]}, "minItems": 1})",
      R"({"type": "array", "maxItems": 2})",
      R"({"allOf": [{"type": ["string", "integer"], "maxLength": 2}, {"maximum": 11}]})",
      R"({"$ref": "#/$defs/small"})",
      R"({"$ref": "#/$defs/a%20tree"})",
  };
  return all;
}

Json random_tool(Random& random) {
  std::string properties;
  for (const char* key : {"a", "b"}) {
    std::string choices;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      choices += parts()[random.below(parts().size())] + (n > 1 ? ", " : "");
    }
    properties += fmt::format("{}\"{}\": {{\"anyOf\": [{}]}}", properties.empty() ? "" : ", ", key, choices);
  }
  const std::string named =
      "\"type\": \"object\", \"properties\": {" + properties + "}, \"required\": [\"a\"]";
  const std::string defs =
      R"("small": {"anyOf": [{"type": "string", "maxLength": 1}, {"type": "integer", "minimum": 3}]},
         "a tree": {"type": ["object", "string"], "minLength": 3, "properties": {"1": {"$ref": "#/$defs/a%20tree"}}})";
  const std::string schema =
      random.below(2) == 0
          ? fmt::format(R"({{{}, "$defs": {{{}}}}})", named, defs)
          : fmt::format(R"({{"$ref": "#/$defs/all%20of", "$defs": {{"all of": {{{}}}, {}}}}})", named, defs);
  Json tool = parse_json(R"([{"type": "function", "function": {"name": "f"}}])", "test");
  tool[0]["function"]["parameters"] = parse_json(schema, "test");
  return tool;
}

TEST(ToolArguments, FitTheSchemaThatHeldThem) {
  // No letters but those of JSON's words: most texts are nearly JSON.
  std::vector<std::string> bytes{"true",
                                 "null",
                                 "{\"a\":",
                                 "{\"1\":",
                                 "[1",
                                 "}",
                                 "]",
                                 "\"",
                                 "\n",
                                 "<parameter=b>\n",
                                 "\n</parameter>\n",
                                 "\n</parameter>\n</function>\n",
                                 "</tool_call>",
                                 "<tool_call>\n<function=f>\n<parameter=a>\n",
                                 "<",
                                 "/"};
  for (const char c : std::string_view("0123456789-.,:eE<b>\\u3ctrunlfas ")) bytes.emplace_back(1, c);
  for (const char c : std::string_view("/=_>pmco")) bytes.emplace_back(1, c);
  const auto tokens =
      std::make_shared<const TokenBytes>(bytes, std::unordered_map<std::string, std::int32_t>());
  std::size_t calls = 0;
  std::size_t alike = 0;  // texts that could be JSON
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    Random random(seed);
    Json tools = random_tool(random);
    const bool strict = random.below(2) == 0;
    tools[0]["function"]["strict"] = strict;
    const Json& schema = tools[0]["function"]["parameters"];
    const ArgumentReader reader(tools, strict ? ToolChoice::automatic : ToolChoice::required);
    const auto grammar = tool_call_grammar(tools, "", false);
    for (std::uint64_t walk_seed = 0; walk_seed < 8; ++walk_seed) {
      const Walk walk = random_walk(grammar, tokens, 8 * seed + walk_seed, 100);
      if (!walk.complete) continue;
      ToolCallParser parser(reader, false, [] { return std::string("id"); });
      const ToolPiece piece = parser.push(walk.text);
      ASSERT_EQ(piece.calls.size(), 1u) << walk.text;
      const Json arguments = parse_json(piece.calls[0].arguments, "test");
      EXPECT_TRUE(fits_schema(arguments, schema, schema)) << schema << "\n" << walk.text << "\n" << arguments;
      ++calls;
      for (const Json& argument : arguments) {
        if (argument.is_string() && Json::accept(argument.get<std::string>())) ++alike;
      }
    }
  }
  EXPECT_GT(calls, 1000u);
  EXPECT_GT(alike, 100u);
}

}  // namespace
}  // namespace artemis

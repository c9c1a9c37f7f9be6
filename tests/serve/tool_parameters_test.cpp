// Parameters of tools whose schema leads elsewhere.
#include <gtest/gtest.h>

#include "artemis/serve/tool_calls.h"

namespace artemis {
namespace {

std::string arguments(const std::string& parameters, const std::string& key) {
  const Json tools = {
      {{"type", "function"}, {"function", {{"name", "f"}, {"parameters", Json::parse(parameters)}}}}};
  ToolCallParser parser(tools, false, [] { return "call_1"; });
  const ToolPiece piece = parser.push("<tool_call>\n<function=f>\n<parameter=" + key +
                                      ">\n2\n</parameter>\n</function>\n</tool_call>");
  return piece.calls.empty() ? "" : piece.calls[0].arguments;
}

TEST(ToolParameters, TheRootLeadsElsewhere) {
  const std::string number = R"({"properties": {"v": {"type": "integer"}}})";
  EXPECT_EQ(arguments(number, "v"), R"({"v":2})");
  EXPECT_EQ(arguments(R"({"$ref": "#/$defs/n", "$defs": {"n": )" + number + "}}", "v"), R"({"v":2})");
  EXPECT_EQ(arguments(R"({"allOf": [{}, {"$ref": "#/$defs/n"}], "$defs": {"n": )" + number + "}}", "v"),
            R"({"v":2})");
  EXPECT_EQ(arguments(R"({"required": ["v"], "additionalProperties": {"type": "integer"}})", "v"),
            R"({"v":2})");
  EXPECT_EQ(arguments(R"({"$ref": "#/$defs/n", "$defs": {"n": {"$ref": "#/$defs/n"}}})", "v"),
            R"({"v":"2"})");
  EXPECT_EQ(arguments(number, "w"), R"({"w":"2"})");
}

TEST(ToolParameters, NullableTakesNull) {
  const Json schema = {{"type", "string"}, {"enum", {"a"}}, {"nullable", true}};
  EXPECT_EQ(argument_value(&schema, schema, "null"), Json());
  EXPECT_EQ(argument_value(&schema, schema, "a"), "a");
}

}  // namespace
}  // namespace artemis

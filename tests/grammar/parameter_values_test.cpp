// Values of a tool's parameters, told from each other.
#include <gtest/gtest.h>

#include "artemis/core/error.h"
#include "artemis/grammar/parameter_values.h"

namespace artemis {
namespace {

ParameterValues values(const std::string& schema) { return ParameterValues(parse_json(schema, "test")); }

TEST(ParameterValues, AllowJsonThatFits) {
  const ParameterValues some = values(R"({"$ref": "#/$defs/all", "$defs": {"all": {
      "properties": {"a": {"enum": ["1", 5]}, "a<": {"anyOf": [{"type": "string"}, {"const": {"<": 1}}]}},
      "required": ["c"]}}})");
  EXPECT_FALSE(some.allow_json("a", "1"));
  EXPECT_TRUE(some.allow_json("a", "5"));
  EXPECT_FALSE(some.allow_json("a", ""));
  EXPECT_FALSE(some.allow_json("a", "5 "));
  EXPECT_TRUE(some.allow_json("a<", R"({"\u003c":1})"));
  EXPECT_FALSE(some.allow_json("a<", "12"));
  EXPECT_TRUE(some.allow_json("c", "[{}]"));
  EXPECT_FALSE(some.allow_json("c", "[{}"));
  EXPECT_FALSE(some.allow_json("b", "1"));
  EXPECT_FALSE(values("true").allow_json("a", "1"));
  EXPECT_FALSE(values(R"({"properties": {"a": false}})").allow_json("a", "1"));
}

TEST(ParameterValues, RefuseWhatTheyCannotTell) {
  EXPECT_THROW(values("null"), Error);
  EXPECT_THROW(values(R"({"anyOf": [{}]})"), Error);
  EXPECT_THROW(values(R"({"properties": {"a": {"not": {}}}})"), Error);
}

// Many ways to read a long value end it, however many there are.
TEST(ParameterValues, TakeNoLongTime) {
  std::string choices;
  for (int i = 0; i < 256; ++i) {
    choices += std::string(i == 0 ? "" : ", ") +
               R"({"type": "array", "items": {"type": "integer", "maximum": )" + std::to_string(i) + "}}";
  }
  const ParameterValues many = values(R"({"properties": {"a": {"anyOf": [)" + choices + "]}}}");
  EXPECT_TRUE(many.allow_json("a", "[1,255]"));
  EXPECT_FALSE(many.allow_json("a", "[1,256]"));
  std::string list = "[0";
  for (int i = 0; i < 100'000; ++i) list += ",0";
  EXPECT_THROW((void)many.allow_json("a", list + "]"), Error);
}

}  // namespace
}  // namespace artemis

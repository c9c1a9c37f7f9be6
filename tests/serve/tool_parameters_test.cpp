// What the text of a tool's parameter stands for.
#include <gtest/gtest.h>

#include "artemis/serve/tool_calls.h"

namespace artemis {
namespace {

// A parameter as it stands in a call.
std::string parameter(const std::string& key, const std::string& text) {
  return "<parameter=" + key + ">\n" + text + "\n</parameter>\n";
}

// The arguments of a call of a tool with these parameters.
std::string arguments(const std::string& schema, const std::string& parameters, bool strict = false) {
  const Json tools = {
      {{"type", "function"},
       {"function", {{"name", "f"}, {"strict", strict}, {"parameters", Json::parse(schema)}}}}};
  const ArgumentReader reader(tools);
  ToolCallParser parser(reader, false, [] { return "call_1"; });
  const ToolPiece piece =
      parser.push("<tool_call>\n<function=f>\n" + parameters + "</function>\n</tool_call>");
  return piece.calls.empty() ? "" : piece.calls[0].arguments;
}

TEST(ToolParameters, TheRootLeadsElsewhere) {
  const std::string number = R"({"properties": {"v": {"type": "integer"}}})";
  const std::string two = parameter("v", "2");
  EXPECT_EQ(arguments(number, two), R"({"v":2})");
  EXPECT_EQ(arguments(R"({"$ref": "#/$defs/n", "$defs": {"n": )" + number + "}}", two), R"({"v":2})");
  EXPECT_EQ(arguments(R"({"allOf": [{}, {"$ref": "#/$defs/n"}], "$defs": {"n": )" + number + "}}", two),
            R"({"v":2})");
  EXPECT_EQ(arguments(R"({"required": ["v"], "additionalProperties": {"type": "integer"}})", two),
            R"({"v":2})");
  EXPECT_EQ(arguments(R"({"$ref": "#/$defs/n", "$defs": {"n": {"$ref": "#/$defs/n"}}})", two),
            R"({"v":"2"})");
  EXPECT_EQ(arguments(number, parameter("w", "2")), R"({"w":"2"})");
}

// The one argument of a tool with one parameter.
std::string value(const std::string& schema, const std::string& text, bool strict) {
  const std::string whole =
      arguments(R"({"properties": {"v": )" + schema +
                    R"(}, "$defs": {"code": {"type": "string", )"
                    R"("pattern": "^[0-9]{3}$"}, "a b": {"type": "integer", "maximum": 5}}})",
                parameter("v", text), strict);
  return whole.substr(0, 5) == R"({"v":)" ? whole.substr(5, whole.size() - 6) : whole;
}

struct Case {
  std::string schema, text, expected;
};

// Where a text can be read as JSON too, it is what fits the schema that it was held to.
TEST(ToolParameters, TheSchemaTellsTextsFromJson) {
  const std::string word_or_number =
      R"({"anyOf": [{"type": "string", "maxLength": 4}, {"type": "integer", "maximum": 5}]})";
  const std::string code_or_number = R"({"anyOf": [{"$ref": "#/$defs/code"}, {"$ref": "#/$defs/a%20b"}]})";
  const std::string both =
      R"({"allOf": [{"type": ["string", "integer"]}, {"minimum": 0}, {"type": ["string", "integer"], "maximum": 9, "maxLength": 3}]})";
  const std::string day = R"({"anyOf": [{"type": "string", "format": "date"}, {"type": "number"}]})";
  for (const Case& c : std::initializer_list<Case>{
           {R"({"enum": ["1", 5]})", "1", R"("1")"},
           {R"({"enum": ["1", 5]})", "5", "5"},
           {R"({"enum": ["true", false, "null", 0]})", "true", R"("true")"},
           {R"({"enum": ["true", false, "null", 0]})", "false", "false"},
           {R"({"enum": ["null", true]})", "null", R"("null")"},
           {R"({"anyOf": [{"const": "null"}, {"type": "boolean"}]})", "null", R"("null")"},
           {R"({"anyOf": [{"const": "7"}, {"const": 8}]})", "7", R"("7")"},
           {R"({"anyOf": [{"const": "7"}, {"const": 8}]})", "8", "8"},
           {word_or_number, "999", R"("999")"},
           {word_or_number, "3", "3"},
           {word_or_number, "-12345", "-12345"},
           {code_or_number, "999", R"("999")"},
           {code_or_number, "004", R"("004")"},
           {code_or_number, "4", "4"},
           {both, "12", R"("12")"},
           {both, "9", "9"},
           {day, "2024-02-29", R"("2024-02-29")"},
           {day, "2024", "2024"},
           {R"({"type": ["string", "integer"]})", "7.5", R"("7.5")"},
           {R"({"type": ["string", "null"], "enum": ["null", "a"]})", "null", R"("null")"},
           {R"({"type": "string", "nullable": true})", "null", "null"},
           {R"({"type": "string", "enum": ["a"], "nullable": true})", "null", "null"},
           {R"({"type": "string", "enum": ["a"], "nullable": true})", "a", R"("a")"},
           {R"({"enum": ["<1>", "1", 1]})", "<1>", R"("<1>")"},
           {R"({"type": "string"})", "5", R"("5")"},
           {R"({"type": "string"})", R"("5")", R"("\"5\"")"},
       }) {
    EXPECT_EQ(value(c.schema, c.text, true), c.expected) << c.schema << " " << c.text;
  }
  // Nothing held the others, which are told by their types.
  EXPECT_EQ(value(word_or_number, "999", false), "999");
  EXPECT_EQ(value(word_or_number, "999.5", false), R"("999.5")");
}

// Calls of a strict tool are held to its schema, with members in its order: what breaks it is no object.
TEST(ToolParameters, StrictToolsTellTextsFromObjects) {
  const std::string point =
      R"({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "required": ["x"]}]})";
  const std::string list = R"({"anyOf": [{"type": "array", "maxItems": 1}, {"type": "string"}]})";
  for (const Case& c : std::initializer_list<Case>{
           {point, R"({"x": 1})", R"({"x":1})"},
           {point, "{ \"x\" :\t1,\n\n\"y\": 2}", R"({"x":1,"y":2})"},
           {point, R"({"y":1})", R"("{\"y\":1}")"},
           {point, R"({"x":"a"})", R"("{\"x\":\"a\"}")"},
           {list, "[1]", "[1]"},
           {list, "[1,2]", R"("[1,2]")"},
           {R"({"enum": ["{}", {"a": 1}]})", "{}", R"("{}")"},
           {R"({"enum": ["{}", {"a": 1}]})", R"({"a": 1})", R"({"a":1})"},
           {R"({"enum": ["{}", {"<a>": "</b>"}]})", R"({"\u003ca>":"\u003c/b>"})",
            R"({"\u003ca>":"\u003c/b>"})"},
           {R"({"allOf": [{"type": "string", "maxLength": 2}, {"nullable": true}]})", "null", "null"},
           {R"({"type": ["string", "integer"], "enum": [1.0, "a"]})", "1.0", "1.0"},
           {R"({"anyOf": [{"type": "string", "maxLength": 4}, {"type": "integer"}]})",
            "12345678901234567890123", "12345678901234567890123"},
       }) {
    EXPECT_EQ(value(c.schema, c.text, true), c.expected) << c.schema << " " << c.text;
  }
  // Nothing held the others to an order.
  EXPECT_EQ(value(point, R"({"y":1, "x":2})", false), R"({"y":1,"x":2})");
}

// A schema that no grammar can enforce tells types alone.
TEST(ToolParameters, TypesWhereTheSchemaIsNotUnderstood) {
  const std::string types = R"({"type": ["string", "integer"], "not": {"const": 5}})";
  for (const bool strict : {false, true}) {
    EXPECT_EQ(value(types, "7", strict), "7");
    EXPECT_EQ(value(types, "true", strict), R"("true")");
    EXPECT_EQ(value(types, "seven", strict), R"("seven")");
  }
}

// JSON is passed on as it was written, without the white space.
// Clients' parsers do not know a byte order mark.
TEST(ToolParameters, AMarkOfByteOrderIsText) {
  EXPECT_EQ(value(R"({"type": "integer"})",
                  "\xEF\xBB\xBF"
                  "1",
                  false),
            "\"\xEF\xBB\xBF"
            "1\"");
}

TEST(ToolParameters, NumbersKeepTheirDigits) {
  for (const char* schema : {R"({"type": "number"})", R"({"type": ["number", "string"]})", "{}"}) {
    for (const char* number : {"12345678901234567890123", "-9007199254740993", "18446744073709551616",
                               "0.1000000000000000000001", "1.0", "1E+3", "-0", "5e-7"}) {
      EXPECT_EQ(value(schema, number, false), number) << schema;
      EXPECT_EQ(value(schema, number, true), number) << schema;
    }
  }
  EXPECT_EQ(value(R"({"type": "array"})", "[ 1.0,\n\t{\"a\\\" b\" : \" \\\\\"} , 1e2 ]\r", false),
            R"([1.0,{"a\" b":" \\"},1e2])");
}

TEST(ToolParameters, OfAKeyGivenTwiceTheLastCounts) {
  const std::string schema = R"({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})";
  EXPECT_EQ(arguments(schema, parameter("a", "1") + parameter("b", "x") + parameter("a", "2.0")),
            R"({"a":2.0,"b":"x"})");
  EXPECT_EQ(arguments(schema, ""), "{}");
  EXPECT_EQ(arguments(schema, parameter("b", "\xFF") + parameter("\"\xFF", "y")),
            "{\"b\":\"\xEF\xBF\xBD\",\"\\\"\xEF\xBF\xBD\":\"y\"}");
}

}  // namespace
}  // namespace artemis

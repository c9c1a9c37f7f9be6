// What the text of an answer is cut into: thoughts, content, tool calls.
#include <gtest/gtest.h>

#include <algorithm>

#include "artemis/core/random.h"
#include "artemis/serve/reasoning.h"
#include "artemis/serve/tool_calls.h"

namespace artemis {
namespace {

std::string shown(const ReasoningPiece& piece) { return "[" + piece.reasoning + "][" + piece.content + "]"; }

TEST(Reasoning, ThoughtsAreKeptApart) {
  struct Case {
    bool open;
    std::string_view text;
    std::string_view expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {true, "hm\n</think>\n\nA cup.\n", "[hm][A cup.]"},
           {true, "\n\n hm", "[hm][]"},
           {true, "</think>A", "[][A]"},
           {true, "", "[][]"},
           {true, "a < b </ c </thin", "[a < b </ c </thin][]"},
           {true, "a</think>b</think>c", "[a][b</think>c]"},
           {false, " A cup.\n", "[][ A cup.\n]"},
           {false, "\n<think>\nhm</think> A", "[hm][A]"},
           {false, "<thin", "[][<thin]"},
           {false, "so <think>no</think>", "[][so <think>no</think>]"},
           {false, "", "[][]"},
       }) {
    EXPECT_EQ(shown(split_reasoning(c.open, c.text)), c.expected) << c.text;
  }
  EXPECT_TRUE(opens_thought("<|im_start|>assistant\n<think>\n"));
  EXPECT_FALSE(opens_thought("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
}

TEST(Reasoning, NoHalfTagIsShown) {
  ReasoningSplitter splitter(true);
  EXPECT_EQ(shown(splitter.push("hm \n<")), "[hm][]");
  EXPECT_TRUE(splitter.thinking());
  EXPECT_EQ(shown(splitter.push("/think")), "[][]");
  EXPECT_EQ(shown(splitter.push("> A cup")), "[][A cup]");
  EXPECT_FALSE(splitter.thinking());
  EXPECT_EQ(shown(splitter.push(" is")), "[][ is]");
}

const Json tools = Json::parse(R"([
  {"type": "function", "function": {"name": "draw", "parameters": {
    "type": "object",
    "properties": {
      "text": {"type": "string"}, "count": {"type": "integer"}, "size": {"type": ["number", "null"]},
      "flag": {"type": "boolean"}, "list": {"type": "array"}, "any": {}, "name": {"type": ["string", "null"]},
      "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "colour": {"enum": ["red", "1"]},
      "point": {"$ref": "#/$defs/point"}, "loop": {"$ref": "#/properties/loop"}, "lost": {"$ref": "#/none"}
    },
    "$defs": {"point": {"type": "object"}}}}},
  {"type": "function", "function": {"name": "wait"}}])");

const ArgumentReader reader(tools);

class Parsing {
 public:
  explicit Parsing(bool one_call = false)
      : parser_(reader, one_call, [this] { return "call_" + std::to_string(++calls_made_); }) {}
  void add(const ToolPiece& piece) {
    content_ += piece.content;
    for (const ToolCall& call : piece.calls) calls_ += call.id + " " + call.name + call.arguments + "\n";
  }
  std::string whole(std::string_view text) {
    add(parser_.push(text));
    add(parser_.flush());
    return content_ + "|" + calls_;
  }
  ToolCallParser& parser() { return parser_; }
  std::string result() const { return content_ + "|" + calls_; }

 private:
  int calls_made_ = 0;
  ToolCallParser parser_;
  std::string content_, calls_;
};

std::string parsed(std::string_view text) { return Parsing().whole(text); }

std::string call_of(const std::string& name, const std::string& key, const std::string& value) {
  return "<tool_call>\n<function=" + name + ">\n<parameter=" + key + ">\n" + value +
         "\n</parameter>\n</function>\n</tool_call>";
}

TEST(ToolCalls, ValuesFollowTheSchema) {
  struct Case {
    std::string_view key, text, expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"text", "12", R"("12")"},
           {"text", "", R"("")"},
           {"text", "two\n\nlines \"so\"\n", R"("two\n\nlines \"so\"\n")"},
           {"text", "null", R"("null")"},
           {"count", "12", "12"},
           {"count", " 12 ", "12"},
           {"count", "3.5", "3.5"},
           {"count", "many", R"("many")"},
           {"count", "\"12\"", R"("12")"},
           {"size", "1e3", "1e3"},
           {"size", "null", "null"},
           {"flag", "true", "true"},
           {"flag", "True", R"("True")"},
           {"list", R"([1, {"a": [2]}])", R"([1,{"a":[2]}])"},
           {"list", "[1,", R"("[1,")"},
           {"any", "{}", "{}"},
           {"any", "x", R"("x")"},
           {"any", "\"x\"", R"("\"x\"")"},
           {"name", "null", "null"},
           {"name", "7", R"("7")"},
           {"either", "7", "7"},
           {"either", "7.5", R"("7.5")"},
           {"either", "seven", R"("seven")"},
           {"colour", "1", R"("1")"},
           {"point", R"({"x":1})", R"({"x":1})"},
           {"loop", "1", "1"},
           {"lost", "1", "1"},
           {"unheard", "1", R"("1")"},
       }) {
    EXPECT_EQ(parsed(call_of("draw", std::string(c.key), std::string(c.text))),
              "|call_1 draw{\"" + std::string(c.key) + "\":" + std::string(c.expected) + "}\n");
  }
}

TEST(ToolCalls, SeveralWithTextAround) {
  const std::string two = call_of("draw", "count", "1") + "\n" + call_of("other", "k", "1");
  EXPECT_EQ(parsed("I draw.\n\n" + two + "\n"),
            "I draw.|call_1 draw{\"count\":1}\ncall_2 other{\"k\":\"1\"}\n");
  EXPECT_EQ(parsed("<tool_call><function=wait></function></tool_call>  done"), "  done|call_1 wait{}\n");
  EXPECT_EQ(parsed(call_of("draw", "text", "a <b> </param <tool_call>")),
            "|call_1 draw{\"text\":\"a <b> </param <tool_call>\"}\n");
  const std::string twice =
      "<tool_call><function=draw><parameter=count>1</parameter>\n<parameter=count>\n2\n</parameter></"
      "function>"
      "</tool_call>";
  EXPECT_EQ(parsed(twice), "|call_1 draw{\"count\":2}\n");
}

TEST(ToolCalls, WhatIsNoCallIsContent) {
  for (const std::string& text : std::initializer_list<std::string>{
           "", "plain \n", "a < b", "<tool_call", "<tool_call>",
           "<tool_call>\n<function=", "<tool_call>\n<function=>\n</function>\n</tool_call>",
           "<tool_call>{\"name\": \"draw\"}</tool_call>",
           "<tool_call>\n<function=draw>\n<parameter=text>\nhalf", "</tool_call> \n<function=draw>",
           "<tool_call><function=draw>word</function></tool_call>",
           "<tool_call><function=a\nb></function></tool_call>",
           "<tool_call><function=draw></function><function=draw></function></tool_call>",
           "<tool_call><function=" + std::string(300, 'x') + "></function></tool_call>"}) {
    EXPECT_EQ(parsed(text), text + "|");
  }
  // One that is none does not hide the next.
  EXPECT_EQ(parsed("<tool_call>\n<tool_call><function=wait></function></tool_call>"),
            "<tool_call>\n|call_1 wait{}\n");
}

TEST(ToolCalls, OneCallAlone) {
  EXPECT_EQ(Parsing(true).whole("So " + call_of("draw", "count", "1") + " and " + call_of("wait", "a", "b")),
            "So|call_1 draw{\"count\":1}\n");
}

TEST(ToolCalls, NoHalfTagIsShown) {
  Parsing parsing;
  parsing.add(parsing.parser().push("So \n<tool"));
  EXPECT_EQ(parsing.result(), "So|");
  parsing.add(parsing.parser().push("box>"));
  EXPECT_EQ(parsing.result(), "So \n<toolbox>|");
}

// Any cut of a text gives what the whole gives: thousands of texts put together from parts, cut at random.
TEST(AnswerText, TheCutDoesNotMatter) {
  const std::vector<std::string> parts = {"<think>",
                                          "</think>",
                                          "<tool_call>",
                                          "</tool_call>",
                                          "<function=draw>",
                                          "</function>",
                                          "<parameter=text>",
                                          "<parameter=count>",
                                          "</parameter>",
                                          "\n",
                                          " ",
                                          "a",
                                          "12",
                                          "<",
                                          ">",
                                          "</",
                                          "=",
                                          "\xc3\xa9",
                                          call_of("draw", "count", "3"),
                                          call_of("wait", "list", "[1]")};
  Random random(20);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (std::uint64_t n = random.below(12); n > 0; --n) text += parts[random.below(parts.size())];
    const bool open = random.below(2) == 1;
    const ReasoningPiece whole = split_reasoning(open, text);
    const std::string calls = parsed(text);

    ReasoningSplitter splitter(open);
    ReasoningPiece pieces;
    Parsing parsing;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::string piece = text.substr(begin, 1 + random.below(6));
      begin += piece.size();
      const ReasoningPiece next = splitter.push(piece);
      pieces.reasoning += next.reasoning;
      pieces.content += next.content;
      parsing.add(parsing.parser().push(piece));
    }
    const ReasoningPiece rest = splitter.flush();
    ASSERT_EQ(shown({pieces.reasoning + rest.reasoning, pieces.content + rest.content}), shown(whole))
        << text;
    parsing.add(parsing.parser().flush());
    ASSERT_EQ(parsing.result(), calls) << text;
  }
}

}  // namespace
}  // namespace artemis

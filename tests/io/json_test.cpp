// Our builder of Json against nlohmann's own, its time, and the length of its messages.
#include "artemis/io/json.h"

#include <ctime>

#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

TEST(Json, BuildsWhatTheLibraryBuilds) {
  for (const char* text :
       {"null", "true", "-3", "18446744073709551615", "1.5e-3", "\"\\u00e9\"", "[]", "{}", "[[],{},[1,[2]]]",
        R"({"b": 1, "a": {"z": [], "y": null}, "c": [{"k": "v"}, 2]})", R"({"a": 1, "b": 2, "a": 3})",
        R"({"a": {"x": 1}, "b": {"x": 2, "x": {"y": 1, "y": 2}}, "a": [1]})", " [1 , 2 ]\n"}) {
    EXPECT_EQ(parse_json(text, "x").dump(), Json::parse(text).dump()) << text;
  }
  EXPECT_EQ(parse_json(R"({"a": 1, "b": 2, "a": 3})", "x").dump(), R"({"a":3,"b":2})");
}

TEST(Json, RefusesWhatTheLibraryRefuses) {
  for (const char* text : {"", " ", "nul", "[1,]", "{\"a\"}", "{\"a\":1,}", "[1] 2", "01", "1e999",
                           "\"\xff\"", "\"\\ud800\"", "{1: 2}", "[1", "{\"a\": [}", "// x\n1", "NaN"}) {
    EXPECT_THROW(Json::parse(text), Json::exception) << text;
    expect_error(error_of([&] { parse_json(text, "a.json"); }), "[a.json] malformed JSON at byte ");
  }
  expect_error(error_of([] { parse_json(std::string("{}\0{}", 5), "x"); }), "a zero at byte 2");
}

TEST(Json, ObjectsOfManyKeysTakeLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 300000; ++i) text += fmt::format("\"key{}\":{},", i % 200000, i);
  text += "\"end\":0}";
  const std::clock_t start = std::clock();
  const Json json = parse_json(text, "x");
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC,
            10.0);  // minutes where it is quadratic
  EXPECT_EQ(json.size(), 200001u);
  EXPECT_EQ(json.front(), 200000);
  EXPECT_EQ(json.back(), 0);
}

TEST(Json, MessagesDoNotRepeatTheFile) {
  std::string text = "\"";
  for (int i = 0; i < 100000; ++i) text += "\xc3\xa9";
  const std::string message = error_of([&] { parse_json(text, "x"); });
  EXPECT_TRUE(message.starts_with("[x] malformed JSON at byte 200002: ")) << message;
  EXPECT_LT(message.size(), 400u);
  EXPECT_TRUE(message.ends_with("\xc3\xa9...")) << message;
  const TemporaryFolder folder;
  EXPECT_LT(error_of([&] { read_sorted_json(folder.write("x.json", text)); }).size(), 500u);
}

}  // namespace
}  // namespace artemis

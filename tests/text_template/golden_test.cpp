// Chat templates and small templates against the renderings of transformers.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/io/json.h"
#include "artemis/text/chat_template.h"
#include "artemis/text/jinja_template.h"

namespace artemis {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fs::path(ARTEMIS_GOLDEN_DIR) / "template"; }

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> template_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder() / "templates"))
    names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

// "lab" is our own, which is used elsewhere too.
fs::path template_file(const std::string& name) {
  if (name == "lab") return fs::path(ARTEMIS_SOURCE_DIR) / "lab" / "text" / "chat_template.jinja";
  return folder() / "templates" / (name + ".jinja");
}

std::string text_or_empty(const Json& object, const char* key) {
  return object.at(key).is_null() ? std::string() : object.at(key).get<std::string>();
}

// What the conversations file says of one case, as arguments of render.
ChatOptions options_of(const Json& shared, const Json& entry) {
  ChatOptions options;
  const Json& tools = shared.at("tools").at(entry.at("tools").get<std::string>());
  options.tools = tools.is_null() ? nullptr : &tools;
  options.add_generation_prompt = entry.at("add_generation_prompt").get<bool>();
  const Json& thinking = entry.at("enable_thinking");
  if (!thinking.is_null()) options.enable_thinking = thinking.get<bool>();
  options.extra = entry.at("extra");
  options.now = shared.at("now").get<std::int64_t>();
  return options;
}

using Spans = std::vector<std::pair<std::size_t, std::size_t>>;

class GoldenTemplate : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTemplate, RendersAsTransformers) {
  const Json shared = read_json(folder() / "conversations.json");
  const Json golden = read_json(folder() / "cases" / (GetParam() + ".json"));
  const auto chat = ChatTemplate::from_source(read_text(template_file(GetParam())), GetParam(),
                                              text_or_empty(golden, "bos"), text_or_empty(golden, "eos"));
  ASSERT_GE(golden.at("cases").size(), 50u);
  for (const Json& entry : golden.at("cases")) {
    const auto name = entry.at("conversation").get<std::string>();
    const auto index = entry.at("options").get<std::size_t>();
    SCOPED_TRACE(name + " with options " + std::to_string(index));
    const ChatOptions options = options_of(shared, shared.at("options").at(index));
    const Json& messages = shared.at("conversations").at(name);
    if (entry.contains("error")) {
      EXPECT_THROW(chat.render(messages, options), Error) << "the reference raised " << entry.at("error");
      continue;
    }
    try {
      const JinjaRendering rendering = chat.render_with_spans(messages, options);
      EXPECT_EQ(rendering.text, entry.at("text").get<std::string>());
      if (entry.contains("spans")) {
        EXPECT_EQ(rendering.generated, entry.at("spans").get<Spans>());
      }
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Published, GoldenTemplate, testing::ValuesIn(template_names()),
                         [](const auto& each) { return each.param; });

INSTANTIATE_TEST_SUITE_P(Own, GoldenTemplate, testing::Values("lab"));

// The text of a small template, or nothing when it fails.
std::optional<std::string> rendered(const std::string& source, const Json& variables,
                                    const JinjaLimits& limits, std::string& message) {
  try {
    return JinjaTemplate::parse(source, "template").render(variables, limits);
  } catch (const Error& error) {
    message = error.what();
    return std::nullopt;
  }
}

TEST(GoldenExpressions, RenderAsJinja) {
  const Json golden = read_json(folder() / "expressions.json");
  ASSERT_GE(golden.at("cases").size(), 400u);
  JinjaLimits limits;
  limits.now = golden.at("now").get<std::int64_t>();
  for (const Json& entry : golden.at("cases")) {
    const auto source = entry.at("source").get<std::string>();
    std::string message;
    const auto text = rendered(source, golden.at("variables"), limits, message);
    if (entry.contains("error")) {
      EXPECT_FALSE(text.has_value()) << source << "\nthe reference raised " << entry.at("error")
                                     << ", ours gave " << text.value_or("");
      EXPECT_TRUE(text.has_value() || message.starts_with("[template:")) << source << "\n" << message;
    } else {
      EXPECT_EQ(text.value_or("ERROR " + message), entry.at("text").get<std::string>()) << source;
    }
  }
}

}  // namespace
}  // namespace artemis

// Where the template and its variables come from.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "artemis/core/error.h"
#include "artemis/text/chat_template.h"

namespace artemis {
namespace {

namespace fs = std::filesystem;

// A model directory that goes with the test.
class ModelDirectory : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = fs::path(testing::TempDir()) / ("artemis_chat_template_" + name);
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }

  std::string render(const Json* tools = nullptr) {
    ChatOptions options;
    options.tools = tools;
    return ChatTemplate::load(directory_).render({{{"role", "user"}, {"content", "hi"}}}, options);
  }

  fs::path directory_;
};

constexpr const char* from_config = R"({"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false},
  "chat_template": "config {{ bos_token }}{{ messages[0].content }}{{ eos_token }}"})";

TEST_F(ModelDirectory, TakesTheTemplateOfTheConfiguration) {
  write("tokenizer_config.json", from_config);
  EXPECT_EQ(render(), "config <s>hi</s>");
}

TEST_F(ModelDirectory, PrefersTheJsonFile) {
  write("tokenizer_config.json", from_config);
  write("chat_template.json", R"({"chat_template": "json {{ messages[0].content }}{{ eos_token }}"})");
  EXPECT_EQ(render(), "json hi</s>");
}

TEST_F(ModelDirectory, PrefersTheJinjaFile) {
  write("tokenizer_config.json", from_config);
  write("chat_template.json", R"({"chat_template": "json"})");
  write("chat_template.jinja", "jinja {{ messages[0].content }}{{ pad_token is defined }}\n");
  EXPECT_EQ(render(), "jinja hiFalse");
}

TEST_F(ModelDirectory, ChoosesAmongNamedTemplates) {
  write("tokenizer_config.json", R"({"chat_template": [{"name": "default", "template": "plain"},
    {"name": "tool_use", "template": "tools {{ tools|length }}"}]})");
  const Json tools = {{{"type", "function"}}};
  EXPECT_EQ(render(), "plain");
  EXPECT_EQ(render(&tools), "tools 1");
}

TEST_F(ModelDirectory, NamesWhatIsMissing) {
  write("tokenizer_config.json", "{}");
  EXPECT_THROW(render(), Error);
  write("tokenizer_config.json", R"({"chat_template": [{"name": "other", "template": "x"}]})");
  EXPECT_THROW(render(), Error);
  write("tokenizer_config.json", R"({"chat_template": "{{ broken"})");
  EXPECT_THROW(render(), Error);
  write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THROW(render(), Error);
}

TEST(ChatTemplate, RefusesWhatIsNoConversation) {
  const auto chat = ChatTemplate::from_source("x", "test", "", "");
  EXPECT_THROW(chat.render("hi"), Error);
  EXPECT_THROW(chat.render({{"role", "user"}}), Error);
  EXPECT_THROW(chat.render(Json::array({"hi"})), Error);
  const Json tools = {{"type", "function"}};
  ChatOptions options;
  options.tools = &tools;
  EXPECT_THROW(chat.render({{{"role", "user"}, {"content", "a"}}}, options), Error);
}

TEST(ChatTemplate, GivesTheVariablesOfTransformers) {
  const auto chat = ChatTemplate::from_source(
      "{{ bos_token }}|{{ eos_token is defined }}|{{ tools }}|{{ documents }}|{{ add_generation_prompt }}|"
      "{{ enable_thinking is defined }}|{{ color }}",
      "test", "<s>", "");
  ChatOptions options;
  options.extra = {{"color", "red"}};
  EXPECT_EQ(chat.render({{{"role", "user"}, {"content", "a"}}}, options),
            "<s>|False|None|None|False|False|red");
  options.enable_thinking = false;
  options.add_generation_prompt = true;
  EXPECT_EQ(chat.render({{{"role", "user"}, {"content", "a"}}}, options),
            "<s>|False|None|None|True|True|red");
}

TEST(ChatTemplate, TellsWhatTheAssistantSaid) {
  const auto chat = ChatTemplate::from_source(
      "{% for m in messages %}[{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration "
      "%}"
      "{% else %}{{ m.content }}{% endif %}]{% endfor %}",
      "test", "", "");
  const JinjaRendering rendering = chat.render_with_spans(
      {{{"role", "user"}, {"content", "ä"}}, {{"role", "assistant"}, {"content", "höh"}}});
  ASSERT_EQ(rendering.text, "[ä][höh]");
  ASSERT_EQ(rendering.generated.size(), 1u);
  const auto [begin, end] = rendering.generated[0];
  EXPECT_EQ(rendering.text.substr(begin, end - begin), "höh");
}

}  // namespace
}  // namespace artemis

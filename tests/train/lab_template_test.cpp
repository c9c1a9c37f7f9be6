// Rows under the lab's chat template: the prompt's tokens begin those of the whole, so that the labels begin
// with the answer.
#include "artemis/io/atomic_file.h"
#include "artemis/text/tokenizer_trainer.h"
#include "artemis/train/collate.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

namespace fs = std::filesystem;

// Messages, and the text that their labels spell.
struct Case {
  const char* messages;
  const char* learned;
};

constexpr std::array cases = {
    Case{R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "  Hello. \n"}])",
         "Hello.<|im_end|>\n"},
    Case{R"([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
             {"role": "assistant", "content": [{"type": "text", "text": "\n\nA cup."}]}])",
         "A cup.<|im_end|>\n"},
    Case{
        R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "<think>\n\n so\n\n</think>\n\n Hello."}])",
        "so\n</think>\n\nHello.<|im_end|>\n"},
    Case{
        R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "<think>\n\n</think>\n\nHello."}])",
        "</think>\n\nHello.<|im_end|>\n"},
    Case{R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "so</think>Hello."}])",
         "Hello.<|im_end|>\n"},
    Case{
        R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "reasoning_content": "so", "content": "Hello."}])",
        "Hello.<|im_end|>\n"},
    Case{R"([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "a"},
             {"role": "assistant", "content": "<think>x</think>b"}, {"role": "user", "content": "c"},
             {"role": "assistant", "content": "d"}])",
         "d<|im_end|>\n"},
    Case{R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
             {"role": "assistant", "content": "c"}])",
         "c<|im_end|>\n"},
    Case{R"([{"role": "user", "content": "a"},
             {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
             {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"},
             {"role": "assistant", "content": "<think>\nso\n</think>\n\n3"}])",
         "so\n</think>\n\n3<|im_end|>\n"},
    Case{R"([{"role": "user", "content": "a"},
             {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"x": "y"}}}]}])",
         "<tool_call>\n<function=f>\n<parameter=x>\ny\n</parameter>\n</function>\n</tool_call><|im_end|>\n"},
};

class LabTemplate : public testing::Test {
 protected:
  // A tokenizer that has learned the renderings, so that line breaks are joined wherever they can be.
  void SetUp() override {
    const std::string source =
        read_file(fs::path(ARTEMIS_SOURCE_DIR) / "lab" / "text" / "chat_template.jinja");
    const auto chat_template = ChatTemplate::from_source(source, "lab", "", "");
    TokenizerTrainer trainer(default_added_tokens(), R"( ?[\p{L}\p{N}+_'-]+| ?[^\s\p{L}\p{N}]+|\s+)");
    for (const Case& each : cases) {
      for (const bool thinks : {false, true}) {
        trainer.add(chat_template.render(Json::parse(each.messages), {.enable_thinking = thinks}));
      }
    }
    folder_.write("tokenizer.json", trainer.train(400, 2).dump());
    folder_.write("tokenizer_config.json", trainer.config().dump());
    folder_.write("chat_template.jinja", source);
  }

  test::TemporaryFolder folder_;
};

TEST_F(LabTemplate, LabelsBeginWithTheAnswer) {
  const GraftConfig config = read_graft_config(golden::model_root() / "base" / "checkpoint");
  const Processor processor = Processor::load(folder_.path(), config);
  ASSERT_EQ(processor.tokenizer().encode("\n\n", true).size(), 1u);
  const fs::path picture = golden::model_root() / "images" / "cup.png";
  ThreadPool pool(1);
  for (const Case& each : cases) {
    SCOPED_TRACE(each.messages);
    Row row{.key = "row", .messages = Json::parse(each.messages), .images = {}};
    if (row.messages.dump().find("image") != std::string::npos) {
      row.images.push_back({read_file(picture), picture.string()});
    }
    const Example example = make_example(row, processor, config, pool);
    Json before = row.messages;
    before.erase(before.size() - 1);
    const std::vector<std::int32_t> prompt = processor.encode(
        processor.chat_template().render(
            before, {.add_generation_prompt = true, .enable_thinking = row_thinks(row.messages)}),
        example.pictures, true);
    ASSERT_LT(prompt.size(), example.input_ids.size());
    const auto answer = example.input_ids.begin() + static_cast<std::ptrdiff_t>(prompt.size());
    EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.input_ids.begin(), answer));
    EXPECT_EQ(processor.tokenizer().decode(std::vector<std::int32_t>(answer, example.input_ids.end()), false),
              each.learned);
    std::vector<std::int32_t> labels(prompt.size(), ignored_label);
    labels.insert(labels.end(), answer, example.input_ids.end());
    EXPECT_EQ(example.labels, labels);
  }
}

}  // namespace
}  // namespace artemis

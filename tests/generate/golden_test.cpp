// Greedy generation against the reference, and the cache against whole passes.
#include "support/golden.h"
#include "artemis/generate/generator.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"

namespace artemis {
namespace {

class GoldenGeneration : public testing::TestWithParam<std::string> {};

TEST_P(GoldenGeneration, SixtyFourGreedyTokens) {
  const std::filesystem::path root = golden::model_root() / GetParam();
  Context ctx(Device{}, 2);
  const GraftConfig config = read_graft_config(root / "checkpoint");
  const Processor processor = Processor::load(root / "checkpoint", config);
  const CheckpointReader checkpoint = CheckpointReader::open(root / "checkpoint");
  const Graft model = load_graft(ctx, checkpoint, config, DType::f32);
  int checked = 0;
  for (const Json& entry : read_json(root / "generate.json")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    std::vector<PictureFile> files;
    for (const Json& name : entry["images"]) {
      const std::filesystem::path file = golden::model_root() / "images" / name.get<std::string>();
      files.push_back({read_file(file), file.string()});
    }
    const PictureBatch pictures = processor.preprocess(files, ctx.pool());
    const Json messages = read_json(root / entry["messages_file"].get<std::string>());
    const std::string text = processor.chat_template().render(
        messages, {.add_generation_prompt = true, .enable_thinking = entry["enable_thinking"].get<bool>()});
    const std::vector<std::int32_t> prompt = processor.encode(text, pictures, true);
    EXPECT_EQ(prompt, entry["prompt_ids"].get<std::vector<std::int32_t>>());

    std::string streamed;
    const GenerateResult result = generate(
        ctx, model, config, processor.tokenizer(), prompt, pictures,
        {.max_new_tokens = 64, .sampling = {}, .stop = {}, .end_tokens = {25, 2}, .ignore_eos = true},
        [&](std::string_view piece) { streamed += piece; });
    EXPECT_EQ(result.ids, entry["ids"].get<std::vector<std::int32_t>>());
    EXPECT_EQ(result.finish_reason, "length");
    EXPECT_EQ(streamed, result.text);
    EXPECT_EQ(result.text, processor.tokenizer().decode(result.ids, true));
    ++checked;
  }
  EXPECT_GE(checked, 3);
}

INSTANTIATE_TEST_SUITE_P(Configurations, GoldenGeneration, testing::ValuesIn(golden::configurations()),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace artemis

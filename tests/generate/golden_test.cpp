// Greedy generation against the reference, and the cache against whole passes.
#include "support/golden.h"
#include "artemis/generate/generator.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "support/device.h"

namespace artemis {
namespace {

class GoldenGeneration : public testing::TestWithParam<std::string> {
 protected:
  GenerateRequest request_of(const Json& entry) {
    std::vector<PictureFile> files;
    for (const Json& name : entry["images"]) {
      const std::filesystem::path file = golden::model_root() / "images" / name.get<std::string>();
      files.push_back({read_file(file), file.string()});
    }
    PictureBatch pictures = processor_.preprocess(files, ctx_.pool());
    const Json messages = read_json(root_ / entry["messages_file"].get<std::string>());
    const std::string text = processor_.chat_template().render(
        messages, {.add_generation_prompt = true, .enable_thinking = entry["enable_thinking"].get<bool>()});
    return {processor_.encode(text, pictures, true), std::move(pictures)};
  }

  std::filesystem::path root_ = golden::model_root() / GetParam();
  Context ctx_{Device{}, 2};
  GraftConfig config_ = read_graft_config(root_ / "checkpoint");
  Processor processor_ = Processor::load(root_ / "checkpoint", config_);
  CheckpointReader checkpoint_ = CheckpointReader::open(root_ / "checkpoint");
  Graft model_ = load_graft(ctx_, checkpoint_, config_, DType::f32);
  GenerateOptions options_{
      .max_new_tokens = 64, .sampling = {}, .stop = {}, .end_tokens = {25, 2}, .ignore_eos = true};
};

TEST_P(GoldenGeneration, SixtyFourGreedyTokens) {
  int checked = 0;
  for (const Json& entry : read_json(root_ / "generate.json")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const GenerateRequest request = request_of(entry);
    EXPECT_EQ(request.prompt, entry["prompt_ids"].get<std::vector<std::int32_t>>());

    std::string streamed;
    const GenerateResult result =
        generate(ctx_, model_, config_, processor_.tokenizer(), request.prompt, request.pictures, options_,
                 [&](std::string_view piece) { streamed += piece; });
    EXPECT_EQ(result.ids, entry["ids"].get<std::vector<std::int32_t>>());
    EXPECT_EQ(result.finish_reason, "length");
    EXPECT_EQ(streamed, result.text);
    EXPECT_EQ(result.text, processor_.tokenizer().decode(result.ids, true));
    ++checked;
  }
  EXPECT_GE(checked, 3);
}

TEST_P(GoldenGeneration, SideBySideAsAlone) {
  std::vector<GenerateRequest> requests;
  std::vector<std::vector<std::int32_t>> expected;
  for (int round = 0; round < 8; ++round) {
    for (const Json& entry : read_json(root_ / "generate.json")) {
      requests.push_back(request_of(entry));
      expected.push_back(entry["ids"].get<std::vector<std::int32_t>>());
    }
  }
  // The first answer's fifth token ends an answer, so that they leave at different times.
  options_.ignore_eos = false;
  options_.end_tokens = {expected[0][4]};
  const auto results = generate_batch(ctx_, model_, config_, processor_.tokenizer(), requests, options_);
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto end = std::ranges::find(expected[i], options_.end_tokens[0]);
    const bool stopped = end != expected[i].end();
    if (stopped) expected[i].erase(end + 1, expected[i].end());
    EXPECT_EQ(results[i].ids, expected[i]);
    EXPECT_EQ(results[i].finish_reason, stopped ? "stop" : "length");
    if (stopped) expected[i].pop_back();  // the end token is not part of the text
    EXPECT_EQ(results[i].text, processor_.tokenizer().decode(expected[i], true));
  }
  EXPECT_LE(results[0].ids.size(), 5u);
}

TEST_P(GoldenGeneration, EndsWhenCancelled) {
  const Json entry = read_json(root_ / "generate.json")[0];
  const GenerateRequest request = request_of(entry);
  std::atomic<bool> cancel{false};
  options_.cancel = &cancel;
  std::string streamed;
  const GenerateResult result = generate(ctx_, model_, config_, processor_.tokenizer(), request.prompt,
                                         request.pictures, options_, [&](std::string_view piece) {
                                           streamed += piece;
                                           cancel = true;
                                         });
  EXPECT_EQ(result.finish_reason, "cancelled");
  EXPECT_EQ(streamed, result.text);
  auto expected = entry["ids"].get<std::vector<std::int32_t>>();
  ASSERT_LT(result.ids.size(), expected.size());
  expected.resize(result.ids.size());
  EXPECT_EQ(result.ids, expected);
}

TEST_P(GoldenGeneration, RefusesWhatHasNoRoom) {
  const GenerateRequest empty;
  const auto run = [&](const GenerateRequest& request) {
    generate_batch(ctx_, model_, config_, processor_.tokenizer(), std::span(&request, 1), options_);
  };
  EXPECT_THROW(run(empty), Error);
  GenerateRequest request = request_of(read_json(root_ / "generate.json")[0]);
  options_.max_new_tokens = config_.text.max_position_embeddings;
  EXPECT_THROW(run(request), Error);
  EXPECT_TRUE(generate_batch(ctx_, model_, config_, processor_.tokenizer(), {}, options_).empty());
}

INSTANTIATE_TEST_SUITE_P(Configurations, GoldenGeneration, testing::ValuesIn(golden::configurations()),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace artemis

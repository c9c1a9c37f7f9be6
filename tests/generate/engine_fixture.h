// An engine over a golden model, and requests of many kinds for it.
#pragma once

#include "artemis/generate/engine.h"
#include "artemis/generate/generator.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "support/device.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis::test {

inline constexpr std::int64_t answer_tokens = 40;

class EngineFixture : public testing::Test {
 protected:
  EngineRequest request(std::vector<std::int32_t> prompt, std::uint64_t seed = 0) const {
    EngineRequest made{.prompt = std::move(prompt)};
    made.options.max_new_tokens = answer_tokens;
    made.options.ignore_eos = true;
    if (seed > 0) made.options.sampling = {.temperature = 1.1f, .top_k = 100, .top_p = 0.97f, .seed = seed};
    return made;
  }

  // Token ids that no other prompt begins with.
  std::vector<std::int32_t> tokens(std::size_t count, std::int32_t first) const {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < count; ++i)
      ids.push_back(30 + (first * 37 + static_cast<std::int32_t>(i * i) * 11) % 200);
    return ids;
  }

  // A conversation about pictures of the golden set.
  EngineRequest picture_request(const Json& entry) const {
    EngineRequest made = request({});
    std::vector<PictureBatch> batches;
    for (const Json& name : entry["images"]) {
      const std::filesystem::path file = golden::model_root() / "images" / name.get<std::string>();
      const PictureFile picture{read_file(file), file.string()};
      batches.push_back(processor_.preprocess(std::span(&picture, 1), pool_));
      std::string key = name.get<std::string>();
      key.resize(32, '.');
      made.pictures.push_back({.patches = batches.back(), .key = key});
    }
    std::vector<const PictureBatch*> each;
    for (const PictureBatch& batch : batches) each.push_back(&batch);
    const Json messages = read_json(root_ / entry["messages_file"].get<std::string>());
    const std::string text = processor_.chat_template().render(
        messages, {.add_generation_prompt = true, .enable_thinking = entry["enable_thinking"].get<bool>()});
    made.prompt = processor_.encode(text, join_pictures(each), true);
    return made;
  }

  // Requests of many kinds: short, long, drawn, with pictures, with penalties.
  std::vector<EngineRequest> mixture() const {
    std::vector<EngineRequest> all;
    for (const Json& entry : read_json(root_ / "generate.json")) all.push_back(picture_request(entry));
    for (std::int32_t i = 0; i < 6; ++i) {
      all.push_back(
          request(tokens(static_cast<std::size_t>(1 + i * i * 17), i), static_cast<std::uint64_t>(i)));
    }
    all.push_back(request(tokens(50, 3), 8));
    all.back().options.sampling.repetition_penalty = 1.4f;
    all.back().options.sampling.frequency_penalty = 0.3f;
    all.back().options.sampling.presence_penalty = 0.2f;
    all.back().options.logit_bias = {{40, 2.0f}, {41, -100.0f}};
    return all;
  }

  EngineOptions roomy() const { return {.cache_tokens = 16384, .picture_tokens = 4096}; }

  struct Run {
    std::vector<GenerateResult> results;
    EngineCounters counters;
  };

  // All of them, submitted `stagger` passes apart.
  Run run(const std::vector<EngineRequest>& requests, const EngineOptions& options, int stagger = 0) {
    Engine engine(ctx_, model_, config_, processor_.tokenizer(), options);
    Run run;
    run.results.resize(requests.size());
    std::size_t ended = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      engine.check(requests[i]);
      engine.submit(i, requests[i], {.on_piece = {}, .on_end = [&run, &ended, i](GenerateResult result) {
                                       run.results[i] = std::move(result);
                                       ++ended;
                                     }});
      for (int pass = 0; pass < stagger; ++pass) engine.step();
    }
    while (engine.step()) {
    }
    EXPECT_TRUE(engine.idle());
    EXPECT_EQ(ended, requests.size());
    run.counters = engine.counters();
    EXPECT_EQ(run.counters.pages_used, 0);
    return run;
  }

  std::vector<std::vector<std::int32_t>> alone(const std::vector<EngineRequest>& requests) {
    std::vector<std::vector<std::int32_t>> ids;
    EngineOptions options = roomy();
    options.reuse = false;
    options.step_tokens = 4096;
    for (const EngineRequest& one : requests) ids.push_back(run({one}, options).results[0].ids);
    return ids;
  }

  void expect_same(const Run& run, const std::vector<std::vector<std::int32_t>>& expected) {
    ASSERT_EQ(run.results.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(run.results[i].ids, expected[i]) << "request " << i;
      EXPECT_EQ(run.results[i].finish_reason, "length") << run.results[i].error;
    }
  }

  std::filesystem::path root_ = golden::model_root() / "base";
  Context ctx_{test_device(), 2};
  mutable ThreadPool pool_{2};
  GraftConfig config_ = read_graft_config(root_ / "checkpoint");
  Processor processor_ = Processor::load(root_ / "checkpoint", config_);
  CheckpointReader reader_ = CheckpointReader::open(root_ / "checkpoint");
  Graft model_ = load_graft(ctx_, reader_, config_, DType::f32);
};

}  // namespace artemis::test

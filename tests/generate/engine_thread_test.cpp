#include "artemis/generate/engine_thread.h"

#include <atomic>
#include <future>
#include <thread>

#include "artemis/generate/engine_memory.h"
#include "artemis/model/load.h"
#include "artemis/model/weights.h"
#include "artemis/processor/processor.h"
#include "support/device.h"
#include "support/golden.h"

namespace artemis {
namespace {

class EngineThreadTest : public testing::Test {
 protected:
  EngineRequest request(std::int32_t first, std::int64_t tokens) const {
    EngineRequest made{.prompt = {first, 41, 42}};
    made.options.max_new_tokens = tokens;
    made.options.ignore_eos = true;
    return made;
  }

  std::filesystem::path root_ = golden::model_root() / "base";
  Context ctx_{test_device(), 2};
  GraftConfig config_ = read_graft_config(root_ / "checkpoint");
  Processor processor_ = Processor::load(root_ / "checkpoint", config_);
  CheckpointReader reader_ = CheckpointReader::open(root_ / "checkpoint");
  Graft model_ = load_graft(ctx_, reader_, config_, DType::f32);
  EngineOptions options_{.max_sequences = 4, .cache_tokens = 4096, .picture_tokens = 256};
};

TEST_F(EngineThreadTest, ManyThreadsAskAndEachGetsItsAnswer) {
  EngineThread engine(ctx_, model_, config_, processor_.tokenizer(), options_);
  const auto ask = [&](std::int32_t first) {
    std::promise<GenerateResult> promise;
    engine.submit(request(first, 12), {.on_piece = {}, .on_end = [&](GenerateResult result) {
                                         promise.set_value(std::move(result));
                                       }});
    return promise.get_future().get();
  };
  const std::vector<std::int32_t> expected = ask(50).ids;
  ASSERT_EQ(expected.size(), 12U);
  std::vector<std::future<void>> clients;
  for (int client = 0; client < 8; ++client) {
    clients.push_back(std::async(std::launch::async, [&] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(50).ids, expected);
    }));
  }
  for (auto& client : clients) client.get();
  engine.drain();
  EXPECT_EQ(engine.counters().finished, 81U);
  EXPECT_EQ(engine.counters().running, 0);
  EXPECT_THROW(engine.submit(request(50, 1), {}), Busy);
}

TEST_F(EngineThreadTest, AFullQueueRefusesAndACancelledRequestEnds) {
  options_.max_sequences = 1;
  options_.max_waiting = 2;
  EngineThread engine(ctx_, model_, config_, processor_.tokenizer(), options_);
  std::promise<std::string> first;
  std::atomic<int> ended = 0;
  const std::int64_t endless = config_.text.max_position_embeddings - 10;
  std::promise<void> begun;
  std::atomic<bool> has_begun = false;
  const std::uint64_t id =
      engine.submit(request(50, endless),
                    {.on_piece =
                         [&](const AnswerPiece&) {
                           if (!has_begun.exchange(true)) begun.set_value();
                         },
                     .on_end = [&](const GenerateResult& result) { first.set_value(result.finish_reason); }});
  begun.get_future().wait();
  // Until the engine looks for orders again, the first one counts as waiting.
  while (engine.counters().waiting > 0) std::this_thread::yield();
  const AnswerListener count{.on_piece = {}, .on_end = [&](const GenerateResult&) { ++ended; }};
  int accepted = 0;
  bool refused = false;
  for (int i = 0; i < 20; ++i) {
    try {
      engine.submit(request(60, 2), count);
      ++accepted;
    } catch (const Busy&) {
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_GE(accepted, 2);
  engine.cancel(id);
  EXPECT_EQ(first.get_future().get(), "cancelled");
  engine.drain();
  EXPECT_EQ(ended, accepted);
  EXPECT_THROW(engine.submit(request(50, config_.text.max_position_embeddings), {}), Error);
}

TEST_F(EngineThreadTest, PicturesThatWaitHaveALimitInBytes) {
  options_.max_sequences = 1;
  EngineRequest pictured = request(50, 1);
  const std::int64_t side = config_.vision->spatial_merge_size;
  pictured.pictures.push_back(
      {.patches = {Tensor::zeros(DType::f32, {side * side, config_.vision->patch_width()}),
                   {{1, side, side}}}});
  pictured.prompt.push_back(static_cast<std::int32_t>(config_.image_token_id));
  const std::int64_t bytes = pictured.picture_bytes();
  EXPECT_EQ(bytes, side * side * config_.vision->patch_width() * 4);
  options_.waiting_bytes = 2 * bytes;
  EngineThread engine(ctx_, model_, config_, processor_.tokenizer(), options_);
  const std::uint64_t id = engine.submit(request(60, config_.text.max_position_embeddings - 10), {});
  while (engine.counters().running == 0) std::this_thread::yield();
  const std::uint64_t first = engine.submit(pictured, {});
  engine.submit(pictured, {});
  EXPECT_THROW(engine.submit(pictured, {}), Busy);
  EXPECT_NO_THROW(engine.submit(request(70, 1), {}));
  while (engine.counters().waiting_bytes != 2 * bytes) std::this_thread::yield();
  engine.cancel(first);
  while (engine.counters().waiting_bytes != bytes) std::this_thread::yield();
  EXPECT_NO_THROW(engine.submit(pictured, {}));
  engine.cancel(id);
  engine.drain();
  EXPECT_EQ(engine.counters().waiting_bytes, 0);
  EXPECT_EQ(engine.counters().finished, 3U);
}

TEST_F(EngineThreadTest, RequestsThatBelongTogetherAreTakenWhereNobodyWaits) {
  options_.max_sequences = 1;
  options_.max_waiting = 2;
  options_.waiting_bytes = 1;
  EngineThread engine(ctx_, model_, config_, processor_.tokenizer(), options_);
  const std::int64_t endless = config_.text.max_position_embeddings - 10;
  const std::vector<std::uint64_t> ids = engine.submit(
      std::vector<EngineThread::Submission>(4, {.request = request(50, endless), .listener = {}}));
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_THROW(engine.submit(request(50, 1), {}), Busy);
  while (engine.counters().waiting != 3) std::this_thread::yield();
  for (const std::uint64_t id : ids) engine.cancel(id);
  while (engine.counters().cancelled < 4) std::this_thread::yield();
  engine.submit(request(50, endless), {});
  while (engine.counters().running == 0) std::this_thread::yield();
  engine.submit(request(50, 1), {});
  EXPECT_THROW(
      engine.submit(std::vector<EngineThread::Submission>(2, {.request = request(50, 1), .listener = {}})),
      Busy);
}

TEST_F(EngineThreadTest, NobodyIsLeftWithoutAnEnd) {
  std::promise<std::string> reason;
  {
    EngineThread engine(ctx_, model_, config_, processor_.tokenizer(), options_);
    engine.submit(request(50, config_.text.max_position_embeddings - 10),
                  {.on_piece = {},
                   .on_end = [&](const GenerateResult& result) { reason.set_value(result.finish_reason); }});
  }
  EXPECT_EQ(reason.get_future().get(), "error");
}

TEST_F(EngineThreadTest, AnEngineIsFittedToTheMemoryThereIs) {
  const EngineOptions fitted = fit_engine(ctx_.device(), config_, DType::f32, {.max_sequences = 2});
  EXPECT_EQ(fitted.cache_tokens,
            2 * Decoding::pages_for(config_.text.max_position_embeddings) * Decoding::page_size);
  EXPECT_EQ(fitted.picture_tokens, std::min<std::int64_t>(16384, config_.text.max_position_embeddings));
  EXPECT_THROW(fit_engine(ctx_.device(), config_, DType::f32, {.cache_tokens = std::int64_t{1} << 50}),
               Error);
  EXPECT_THROW(fit_engine(ctx_.device(), config_, DType::f32, {.step_tokens = 0}), UsageError);
  EXPECT_GT(step_bytes(config_, DType::f32, fitted), 1U << 20);
  // A pass holds gate, up and what becomes of them at once.
  constexpr std::int64_t more = 1 << 16;
  const auto expect_room = [&](const EngineOptions& options, std::int64_t tokens) {
    const auto bytes_of_width = [&](std::int64_t intermediate_size) {
      GraftConfig wide = config_;
      wide.text.intermediate_size = intermediate_size;
      return step_bytes(wide, DType::f32, options);
    };
    EXPECT_GE(bytes_of_width(2 * more) - bytes_of_width(more),
              static_cast<std::size_t>(3 * more * tokens) * sizeof(float));
  };
  expect_room(fitted, fitted.step_tokens);
  // All answers with guesses, and a page of a prompt.
  EngineOptions guessing = fitted;
  guessing.draft_tokens = fitted.step_tokens;
  expect_room(guessing, 2 * (1 + guessing.draft_tokens) + Decoding::page_size);
}

}  // namespace
}  // namespace artemis

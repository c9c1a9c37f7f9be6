// Pictures in the engine: computed once, in pieces beside the answers of others.
#include <functional>
#include <set>

#include "artemis/core/random.h"
#include "generate/engine_fixture.h"

namespace artemis {
namespace {

using test::answer_tokens;

class EnginePictures : public test::EngineFixture {
 protected:
  // Text behind a picture of so many image tokens, whose values are drawn from the seed.
  EngineRequest picture_first(std::int64_t image_tokens, std::uint64_t seed) const {
    const std::int64_t merge = config_.vision->spatial_merge_size;
    const std::int64_t patches = image_tokens * merge * merge;
    Tensor pixels = Tensor::allocate(DType::f32, {patches, config_.vision->patch_width()});
    Random random(seed);
    for (float& value : pixels.mutable_values<float>()) value = static_cast<float>(2 * random.uniform() - 1);
    EngineRequest made = request(tokens(20, static_cast<std::int32_t>(seed)));
    made.prompt.insert(made.prompt.begin(), static_cast<std::size_t>(image_tokens),
                       static_cast<std::int32_t>(config_.image_token_id));
    made.pictures.push_back({.patches = {pixels, {{1, merge, patches / merge}}},
                             .key = std::string(32, static_cast<char>('a' + seed))});
    return made;
  }

  EngineOptions in_pieces() const {
    EngineOptions options = roomy();
    options.step_tokens = 64;
    return options;
  }
};

TEST_F(EnginePictures, ThePictureOfAnotherPromptIsComputedOnce) {
  Json entries = read_json(root_ / "generate.json");
  std::vector<EngineRequest> requests;
  for (const Json& entry : entries) {
    if (!entry["images"].empty()) requests.push_back(picture_request(entry));
  }
  ASSERT_GE(requests.size(), 1U);
  EngineRequest other = requests[0];
  other.prompt.insert(other.prompt.begin(), 45);  // nothing of its beginning is known
  requests.push_back(other);
  std::set<std::string> keys;
  std::size_t shown = 0;
  for (const EngineRequest& one : requests) {
    shown += one.pictures.size();
    for (const EnginePicture& picture : one.pictures) keys.insert(picture.key);
  }
  const auto expected = alone(requests);
  const Run shared = run(requests, roomy());
  expect_same(shared, expected);
  EXPECT_EQ(shared.counters.pictures, keys.size());
  EXPECT_EQ(shared.counters.pictures_reused, shown - keys.size());

  // Another picture under the same tokens is another beginning.
  for (EngineRequest& one : requests) {
    for (EnginePicture& picture : one.pictures) picture.key.clear();
  }
  const Run secret = run(requests, roomy());
  expect_same(secret, expected);
  EXPECT_EQ(secret.counters.pictures, shown);
}

TEST_F(EnginePictures, ALargePictureDoesNotWaitForRoomForEver) {
  EngineOptions options = roomy();
  options.step_tokens = 64;
  options.picture_tokens = 512;
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), options);
  const std::int64_t merge = config_.vision->spatial_merge_size;
  std::uint64_t id = 0;
  // Text, and a picture of so many image tokens.
  const auto submit = [&](std::int64_t image_tokens, std::size_t text, bool& ended) {
    const std::int64_t patches = image_tokens * merge * merge;
    EngineRequest made = request(tokens(text, static_cast<std::int32_t>(++id)));
    made.prompt.insert(made.prompt.end(), static_cast<std::size_t>(image_tokens),
                       static_cast<std::int32_t>(config_.image_token_id));
    made.pictures.push_back({.patches = {Tensor::zeros(DType::f32, {patches, config_.vision->patch_width()}),
                                         {{1, merge, patches / merge}}}});
    made.options.max_new_tokens = 1;
    engine.check(made);
    engine.submit(id, std::move(made),
                  {.on_piece = {}, .on_end = [&](const GenerateResult&) { ended = true; }});
  };
  bool large = false;
  bool small = false;
  for (int pass = 0; pass < 100 && !large; ++pass) {
    // Small ones come all the time.
    for (int i = 0; i < 2; ++i) submit(100, 3, small);
    if (pass == 4) submit(512, 3, large);
    engine.step();
  }
  EXPECT_TRUE(small);
  EXPECT_TRUE(large);
  engine.fail_all("enough");
}

TEST_F(EnginePictures, AnImageTokenThatTheModelSaysIsATokenLikeOthers) {
  std::vector<EngineRequest> requests = mixture();
  requests.push_back(request(tokens(70, 5)));
  requests.back().options.logit_bias[config_.image_token_id] = 1000.0f;
  const auto expected = alone(requests);
  EXPECT_EQ(expected.back(), std::vector<std::int32_t>(answer_tokens, config_.image_token_id));
  expect_same(run(requests, roomy(), 1), expected);
  EngineOptions tight = roomy();
  tight.cache_tokens = 512;
  tight.step_tokens = 64;
  expect_same(run(requests, tight, 2), expected);
}

TEST_F(EnginePictures, ALargeOneIsComputedBesideAnswers) {
  const EngineRequest large = picture_first(512, 1);
  const auto expected = alone({large});
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), in_pieces());
  std::int64_t said = 0;
  EngineRequest talker = request(tokens(10, 1));
  talker.options.max_new_tokens = 1000;
  talker.options.skip_special_tokens = false;
  talker.options.logprobs = 0;  // one piece or more for each token
  engine.submit(
      1, talker,
      {.on_piece = [&](const AnswerPiece& piece) { said += std::ssize(piece.tokens); }, .on_end = {}});
  engine.step();
  GenerateResult result;
  engine.submit(2, large,
                {.on_piece = {}, .on_end = [&](GenerateResult ended) { result = std::move(ended); }});
  std::int64_t passes = 0;
  const std::int64_t before = said;
  while (engine.counters().pictures == 0 && passes < 1000) {
    ASSERT_TRUE(engine.step());
    ++passes;
  }
  EXPECT_GT(passes, 4) << "the tower works in pieces";
  EXPECT_GE(said - before, passes - 2) << "the other goes on meanwhile";
  while (result.ids.empty()) ASSERT_TRUE(engine.step());
  EXPECT_EQ(result.ids, expected[0]);
  engine.fail_all("enough");
}

// One of two leaves while their picture is being computed, one whose picture nobody else waits for, and one
// after whom nobody waits at all.
TEST_F(EnginePictures, WhoLeavesTakesNothingFromOthers) {
  const std::vector<EngineRequest> requests = {picture_first(300, 1), picture_first(300, 1),
                                               picture_first(200, 2)};
  const auto expected = alone(requests);
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), in_pieces());
  std::vector<GenerateResult> results(requests.size());
  const auto submit = [&](std::uint64_t i) {
    engine.submit(i, requests[i], {.on_piece = {}, .on_end = [&, i](GenerateResult ended) {
                                     results[i] = std::move(ended);
                                   }});
  };
  submit(0);
  ASSERT_TRUE(engine.step());
  submit(2);
  submit(1);
  ASSERT_TRUE(engine.step());
  ASSERT_EQ(engine.counters().pictures, 0U) << "else the test shows nothing";
  engine.cancel(0);
  engine.cancel(2);
  while (engine.step()) {
  }
  EXPECT_EQ(results[0].finish_reason, "cancelled");
  EXPECT_EQ(results[2].finish_reason, "cancelled");
  EXPECT_EQ(results[1].ids, expected[1]);
  EXPECT_EQ(engine.counters().pictures, 1U);
  // What was not computed is not found.
  submit(2);
  ASSERT_TRUE(engine.step());
  engine.cancel(2);
  EXPECT_FALSE(engine.step());
  EXPECT_EQ(engine.counters().pictures, 1U);
  submit(2);
  while (engine.step()) {
  }
  EXPECT_EQ(results[2].ids, expected[2]);
  EXPECT_EQ(engine.counters().pictures, 2U);
}

// The store is full of a picture that is being computed when the one who waits for it leaves.
TEST_F(EnginePictures, WhoWaitsForRoomGoesOnOnceAnotherLeaves) {
  const EngineRequest next = picture_first(300, 2);
  const auto expected = alone({next});
  EngineOptions options = in_pieces();
  options.picture_tokens = 300;
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), options);
  GenerateResult result;
  engine.submit(1, picture_first(300, 1), {});
  ASSERT_TRUE(engine.step());
  engine.submit(2, next,
                {.on_piece = {}, .on_end = [&](GenerateResult ended) { result = std::move(ended); }});
  ASSERT_TRUE(engine.step());
  ASSERT_EQ(engine.counters().pictures, 0U) << "else the test shows nothing";
  engine.cancel(1);
  while (engine.step()) {
  }
  EXPECT_TRUE(engine.idle());
  EXPECT_EQ(result.ids, expected[0]);
}

TEST_F(EnginePictures, ThoseThatCannotBeAreRefused) {
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), in_pieces());
  const auto refused = [&](const std::function<void(EnginePicture&)>& damage, const char* why) {
    EngineRequest bad = picture_first(64, 1);
    engine.check(bad);
    damage(bad.pictures[0]);
    try {
      engine.check(bad);
      ADD_FAILURE() << "taken, expected: " << why;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refused([](EnginePicture& one) { one.patches.grid_thw = {{1, 1, 256}}; }, "expected multiples of 2");
  refused([](EnginePicture& one) { one.patches.grid_thw = {{0, 2, 128}}; }, "expected multiples of 2");
  refused([](EnginePicture& one) { one.patches.grid_thw = {{1, 2, 126}}; }, "the shape of its grid");
  refused([](EnginePicture& one) { one.patches.grid_thw.clear(); }, "the shape of its grid");
  refused([](EnginePicture& one) { one.key = "short"; }, "has 5 bytes, expected none or at least 32");
}

}  // namespace
}  // namespace artemis

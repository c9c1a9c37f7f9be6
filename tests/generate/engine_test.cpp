// The engine: whatever else it does at the same time, each answer is the one that its request gets alone.
#include <array>
#include <functional>
#include <limits>
#include <set>

#include "artemis/generate/prompt_lookup.h"
#include "generate/engine_fixture.h"

namespace artemis {
namespace {

using test::answer_tokens;

class EngineTest : public test::EngineFixture {};

TEST_F(EngineTest, TogetherAsAlone) {
  const std::vector<EngineRequest> requests = mixture();
  const auto expected = alone(requests);
  std::set<std::vector<std::int32_t>> different(expected.begin(), expected.end());
  ASSERT_GE(different.size(), 8U);  // or the comparison says little
  expect_same(run(requests, roomy()), expected);
  expect_same(run(requests, roomy(), 3), expected);
  EngineOptions small_steps = roomy();
  small_steps.step_tokens = 1;  // a page of a prompt at a time
  expect_same(run(requests, small_steps, 2), expected);
  EngineOptions few = roomy();
  few.max_sequences = 3;
  expect_same(run(requests, few), expected);
}

// In bf16 a sum that is rounded otherwise soon tips a token.
TEST_F(EngineTest, TogetherAsAloneInBf16WherePassesAreBatchInvariant) {
  model_ = load_graft(ctx_, reader_, config_, DType::bf16);
  ctx_.set_batch_invariant(true);
  const std::vector<EngineRequest> requests = mixture();
  const auto expected = alone(requests);
  expect_same(run(requests, roomy(), 2), expected);
  EngineOptions small_steps = roomy();
  small_steps.step_tokens = 1;
  small_steps.draft_tokens = 3;
  expect_same(run(requests, small_steps), expected);
}

TEST_F(EngineTest, PreemptedConversationsGoOnExactly) {
  const std::vector<EngineRequest> requests = mixture();
  const auto expected = alone(requests);
  std::int64_t longest = 0;
  for (const EngineRequest& one : requests)
    longest = std::max(longest, std::ssize(one.prompt) + answer_tokens);
  EngineOptions tight = roomy();
  tight.step_tokens = 64;
  // No more than the longest needs, and a little.
  tight.cache_tokens = (Decoding::pages_for(longest) + 1) * Decoding::page_size;
  for (const bool reuse : {false, true}) {
    tight.reuse = reuse;
    const Run tight_run = run(requests, tight, 1);
    expect_same(tight_run, expected);
    EXPECT_GT(tight_run.counters.preempted, 0U);
  }
  tight.draft_tokens = 5;
  expect_same(run(requests, tight, 1), expected);
}

TEST_F(EngineTest, TheSameBeginningIsComputedOnce) {
  std::vector<std::int32_t> prompt = tokens(300, 1);
  std::vector<EngineRequest> requests;
  for (std::int32_t i = 0; i < 4; ++i) {
    requests.push_back(request(prompt, static_cast<std::uint64_t>(i)));
    requests.back().prompt.push_back(50 + i);
  }
  const auto expected = alone(requests);
  const Run shared = run(requests, roomy());
  expect_same(shared, expected);
  EXPECT_EQ(shared.results[0].cached_tokens, 0);
  for (std::size_t i = 1; i < requests.size(); ++i)
    EXPECT_EQ(shared.results[i].cached_tokens, 300 / Decoding::page_size * Decoding::page_size);
  EngineOptions apart = roomy();
  apart.reuse = false;
  const Run separate = run(requests, apart);
  expect_same(separate, expected);
  EXPECT_EQ(separate.counters.cached_tokens, 0U);
}

TEST_F(EngineTest, GuessesChangeNoToken) {
  std::vector<EngineRequest> requests = mixture();
  std::vector<std::int32_t> again = tokens(40, 2);
  again.insert(again.end(), again.begin(), again.end() - 5);
  requests.push_back(request(again));
  requests.back().options.max_new_tokens = answer_tokens;
  const auto expected = alone(requests);
  EngineOptions guessing = roomy();
  guessing.draft_tokens = 5;
  const Run guessed = run(requests, guessing, 1);
  expect_same(guessed, expected);
  EXPECT_GT(guessed.counters.drafted_tokens, 0U);
  EXPECT_GT(guessed.counters.accepted_tokens, 0U);
  EXPECT_LE(guessed.counters.accepted_tokens, guessed.counters.drafted_tokens);
}

TEST_F(EngineTest, GuessesPutNobodyBack) {
  // A page for each: guesses of the first would need the other's.
  const EngineOptions tight{.draft_tokens = 20, .cache_tokens = 2 * Decoding::page_size, .reuse = false};
  std::uint64_t drafted = 0;
  for (std::int32_t first = 0; first < 20; ++first) {
    EngineRequest repeating = request(tokens(8, first));
    repeating.options.max_new_tokens = 50;
    const std::vector<std::int32_t> said = run({repeating}, roomy()).results[0].ids;
    repeating.prompt.insert(repeating.prompt.end(), said.begin(), said.end());
    EngineRequest other = request(tokens(8, first + 1));
    other.options.max_new_tokens = 2;
    const Run both = run({repeating, other}, tight);
    EXPECT_EQ(both.counters.preempted, 0U) << first;
    drafted += both.counters.drafted_tokens;
  }
  EXPECT_GT(drafted, 0U);
}

TEST_F(EngineTest, ThoseWhoHangUpLeaveNothingBehindAndDisturbNobody) {
  const std::vector<EngineRequest> requests = mixture();
  const auto expected = alone(requests);
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), roomy());
  std::vector<GenerateResult> results(requests.size());
  const auto submit = [&](std::size_t i, std::uint64_t id) {
    engine.submit(id, requests[i], {.on_piece = {}, .on_end = [&results, i](GenerateResult result) {
                                      results[i] = std::move(result);
                                    }});
  };
  std::uint64_t id = 100;
  for (std::size_t i = 0; i < requests.size(); ++i) submit(i, i);
  for (int pass = 0; pass < 60; ++pass) {
    // Someone comes and leaves: while queued, while read, and while answering.
    GenerateResult gone;
    engine.submit(++id, requests[static_cast<std::size_t>(pass) % requests.size()],
                  {.on_piece = {}, .on_end = [&gone](GenerateResult result) { gone = std::move(result); }});
    for (int i = 0; i < pass % 5; ++i) engine.step();
    engine.cancel(id);
    engine.step();
    EXPECT_EQ(gone.finish_reason, "cancelled");
  }
  while (engine.step()) {
  }
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(results[i].ids, expected[i]) << i;
  EXPECT_EQ(engine.counters().pages_used, 0);
  EXPECT_EQ(engine.counters().waiting_tokens, 0);
  EXPECT_EQ(engine.counters().cancelled, 60U);
}

TEST_F(EngineTest, ThoseWithLessUnderWayComeFirst) {
  EngineOptions one_at_a_time = roomy();
  one_at_a_time.max_sequences = 2;
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), one_at_a_time);
  std::vector<std::string> order;
  const auto submit = [&](std::uint64_t id, const std::string& client) {
    EngineRequest made = request(tokens(4, static_cast<std::int32_t>(id)));
    made.client = client;
    made.options.max_new_tokens = 3 + static_cast<std::int64_t>(id);
    engine.submit(id, std::move(made), {.on_piece = {}, .on_end = [&order, client](const GenerateResult&) {
                                          order.push_back(client);
                                        }});
  };
  for (std::uint64_t id = 0; id < 4; ++id) submit(id, "many");
  submit(4, "one");
  while (engine.step()) {
  }
  EXPECT_LT(std::ranges::find(order, "one") - order.begin(), 4);
}

TEST_F(EngineTest, AShortPromptDoesNotWaitForLongOnesNorALongOneForEver) {
  EngineOptions options = roomy();
  options.step_tokens = 128;
  options.reuse = false;
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), options);
  std::uint64_t id = 0;
  const auto submit = [&](std::size_t length, const std::string& client, bool& ended) {
    EngineRequest made = request(tokens(length, static_cast<std::int32_t>(id)));
    made.client = client;
    made.options.max_new_tokens = 1;
    engine.submit(++id, std::move(made),
                  {.on_piece = {}, .on_end = [&](const GenerateResult&) { ended = true; }});
  };
  std::array<bool, 16> long_ones{};
  for (bool& ended : long_ones) submit(900, "many", ended);
  engine.step();
  bool short_one = false;
  submit(3, "one", short_one);
  engine.step();
  EXPECT_TRUE(short_one);
  EXPECT_FALSE(std::ranges::any_of(long_ones, std::identity()));
  // Half of each pass is the first one's, however many short ones come.
  for (int pass = 0; pass < 14; ++pass) {
    for (int i = 0; i < 4; ++i) submit(40, "one", short_one);
    engine.step();
  }
  EXPECT_TRUE(long_ones[0]);
  engine.fail_all("enough");
}

TEST_F(EngineTest, ADeadlineEndsAnAnswer) {
  EngineRequest late = request(tokens(10, 1));
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(run({late}, roomy()).results[0].finish_reason, "timeout");
}

TEST_F(EngineTest, LogProbabilitiesAreThoseOfTheModel) {
  EngineRequest asked = request(tokens(20, 4), 6);
  asked.options.logprobs = 4;
  asked.options.max_new_tokens = 6;
  asked.options.logit_bias = {{35, 5.0f}};
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), roomy());
  std::vector<AnswerToken> tokens_said;
  std::string text;
  GenerateResult result;
  engine.submit(1, asked,
                {.on_piece =
                     [&](const AnswerPiece& piece) {
                       text += piece.text;
                       tokens_said.insert(tokens_said.end(), piece.tokens.begin(), piece.tokens.end());
                     },
                 .on_end = [&](GenerateResult ended) { result = std::move(ended); }});
  while (engine.step()) {
  }
  ASSERT_EQ(tokens_said.size(), 6U);
  EXPECT_EQ(text, result.text);
  TextBatch batch;
  batch.input_ids = asked.prompt;
  batch.input_ids.insert(batch.input_ids.end(), result.ids.begin(), result.ids.end());
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(batch.tokens()); ++i) batch.positions.push_back(i);
  batch.offsets = {0, static_cast<std::int32_t>(batch.tokens())};
  const Tensor device_logits =
      Tensor::allocate(DType::f32, {batch.tokens(), config_.text.vocab_size}, ctx_.device());
  graft_logits(ctx_, device_logits, batch, Tensor(), model_, config_);
  const Tensor logits = device_logits.to(Device{});
  for (std::size_t i = 0; i < tokens_said.size(); ++i) {
    const AnswerToken& token = tokens_said[i];
    EXPECT_EQ(token.drawn.id, result.ids[i]);
    const float* row =
        logits.data<float>() + (asked.prompt.size() - 1 + i) * static_cast<std::size_t>(logits.dim(1));
    double sum = 0;
    for (std::int64_t id = 0; id < logits.dim(1); ++id) sum += std::exp(static_cast<double>(row[id]));
    EXPECT_NEAR(token.drawn.logprob, static_cast<double>(row[token.drawn.id]) - std::log(sum), 1e-4);
    ASSERT_EQ(token.top.size(), 4U);
    EXPECT_EQ(token.top[0].id, std::max_element(row, row + logits.dim(1)) - row);
    for (std::size_t j = 1; j < token.top.size(); ++j)
      EXPECT_GE(token.top[j - 1].logprob, token.top[j].logprob);
  }
}

TEST_F(EngineTest, AGrammarHoldsBehindItsToken) {
  const auto tokens_of_model = std::make_shared<const TokenBytes>(processor_.tokenizer());
  std::vector<EngineRequest> requests = mixture();
  const auto expected = alone(requests);
  const std::size_t free_ones = requests.size();
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    EngineRequest asked = request(tokens(12, static_cast<std::int32_t>(seed)), seed);
    asked.options.ignore_eos = false;
    asked.options.end_tokens = {2};
    asked.options.max_new_tokens = 400;
    asked.options.sampling.top_k = 0;
    // What brings an endless object to its end.
    for (const char* token : {"}", "\""})
      if (const auto id = processor_.tokenizer().token_to_id(token)) asked.options.logit_bias[*id] = 6.0f;
    asked.constraint = std::make_shared<Constraint>(json_object_grammar(), tokens_of_model);
    requests.push_back(asked);
  }
  const Run both = run(requests, roomy(), 1);
  int whole = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (i < free_ones) {
      EXPECT_EQ(both.results[i].ids, expected[i]);
      continue;
    }
    EXPECT_EQ(both.results[i].error, "");
    if (both.results[i].finish_reason != "stop") continue;
    ++whole;
    EXPECT_TRUE(Json::parse(both.results[i].text).is_object()) << both.results[i].text;
  }
  EXPECT_GE(whole, 1);
}

TEST_F(EngineTest, RefusesWhatCanNeverRun) {
  Engine engine(ctx_, model_, config_, processor_.tokenizer(), {.cache_tokens = 256, .picture_tokens = 64});
  EXPECT_NO_THROW(engine.check(request(tokens(200, 1))));
  EXPECT_THROW(engine.check(request({})), Error);
  EXPECT_THROW(engine.check(request(tokens(250, 1))), Error);
  EXPECT_THROW(engine.check(request({-1})), Error);
  EXPECT_THROW(engine.check(request({static_cast<std::int32_t>(config_.text.vocab_size)})), Error);
  EXPECT_THROW(engine.check(request({config_.image_token_id})), Error);
  EngineRequest bad = request({40});
  bad.options.sampling.temperature = -1;
  EXPECT_THROW(engine.check(bad), Error);
  bad = request({40});
  bad.options.logit_bias[-1] = 1;
  EXPECT_THROW(engine.check(bad), Error);
  bad = request({40});
  bad.options.max_new_tokens = 0;
  EXPECT_THROW(engine.check(bad), Error);
}

TEST(EngineOptions, NumbersOutOfTheirRangeAreNamed) {
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max() - 1;
  const auto refused = [](const EngineOptions& options, const std::string& line) {
    test::expect_error(test::error_of([&] { check_engine_options(options); }), line);
  };
  refused({.max_sequences = 0}, "[max-sequences] 0 is less than 1");
  refused({.max_sequences = huge}, "[max-sequences] 9223372036854775806 is more than 1048576");
  refused({.max_waiting = huge}, "[max-waiting]");
  refused({.step_tokens = huge}, "[step-tokens]");
  refused({.draft_tokens = huge}, "[draft-tokens] 9223372036854775806 is more than 32767");
  refused({.cache_tokens = std::int64_t{1} << 31}, "[cache-tokens] 2147483648 is more than 2147483647");
  refused({.picture_tokens = huge}, "[picture-tokens]");
  EXPECT_NO_THROW(check_engine_options({.max_sequences = 1 << 20, .step_tokens = 1 << 20}));
}

TEST(PromptLookup, FindsWhatFollowedTheLatestLikeness) {
  const std::vector<std::int32_t> history = {1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3};
  const auto found = [&](std::int64_t count) {
    const auto guess = look_up(history, count);
    return std::vector<std::int32_t>(guess.begin(), guess.end());
  };
  EXPECT_EQ(found(2), (std::vector<std::int32_t>{4, 9}));  // three tokens alike come before two
  EXPECT_EQ(found(100).size(), 8U);
  EXPECT_TRUE(look_up(std::vector<std::int32_t>{1, 2, 3}, 4).empty());
  EXPECT_TRUE(look_up({}, 4).empty());
  EXPECT_TRUE(look_up(history, 0).empty());
}

}  // namespace
}  // namespace artemis

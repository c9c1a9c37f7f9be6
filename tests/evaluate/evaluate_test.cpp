// Grounding, scenes, questions and the text path, with the small random models of tests/golden.
#include "artemis/evaluate/grounding.h"
#include "artemis/evaluate/loss.h"
#include "artemis/evaluate/questions.h"
#include "artemis/evaluate/scenes_eval.h"
#include "artemis/evaluate/text_regression.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/checkpoint.h"
#include "artemis/io/tar.h"
#include "artemis/lab/rows.h"
#include "loaded.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

class Evaluate : public testing::Test {
 protected:
  std::vector<std::string> shards(std::int64_t count, double questions = 0) {
    const std::filesystem::path out = folder_.path() / "scenes";
    lab::ShardOptions options;
    options.directory = out;
    options.set = "validation";
    options.count = count;
    options.sizes = {{64, 64}, {96, 64}};
    options.questions = questions;
    lab::write_shards(ctx_.pool(), options, [](std::int64_t) {});
    return {out.string()};
  }

  // The tiny model fed with what a real one would be: short answers.
  EvaluateOptions few(std::int64_t limit = 0) {
    return {.limit = limit, .batch_size = 3, .max_new_tokens = 6};
  }

  test::TemporaryFolder folder_;
  Context ctx_{Device{}, 2};
  Loaded model_{ctx_, golden::model_root() / "base" / "checkpoint"};
};

TEST_F(Evaluate, LossIsThatOfEachRowAlone) {
  const auto data = shards(7);
  LossSum sum;
  for (const Row& row : read_rows(data, 5)) {
    const Example example = make_example(row, model_.processor, model_.config, ctx_.pool());
    sum += loss_of(model_.subject, std::span(&example, 1));
  }
  std::int64_t seen = 0;
  EvaluateOptions options = few(5);
  options.done = [&](std::int64_t rows) { seen = rows; };
  const LossFigures figures = evaluate_rows(model_.subject, data, options);
  EXPECT_EQ(figures.rows, 5);
  EXPECT_EQ(seen, 5);
  EXPECT_EQ(figures.loss.tokens, sum.tokens);
  EXPECT_NEAR(figures.loss.mean(), sum.mean(), 1e-5 * sum.mean());
  EXPECT_NEAR(figures.to_json()["perplexity"].get<double>(), std::exp(sum.mean()),
              1e-4 * std::exp(sum.mean()));
}

TEST(Derangement, MovesEverythingAndIsFixedBySeed) {
  for (std::size_t count = 2; count < 40; ++count) {
    const auto order = derangement(count, 3);
    std::vector<bool> taken(count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NE(order[i], i);
      taken[order[i]] = true;
    }
    EXPECT_EQ(std::ranges::count(taken, true), static_cast<std::ptrdiff_t>(count));
  }
  EXPECT_EQ(derangement(30, 3), derangement(30, 3));
  EXPECT_NE(derangement(30, 3), derangement(30, 4));
}

TEST(WithoutPictures, LeavesTheTextAlone) {
  const Row row = without_pictures(caption_row("k", {"bytes", "name"}, "A caption."));
  EXPECT_TRUE(row.images.empty());
  EXPECT_EQ(row.messages[0]["content"].dump(), R"([{"type":"text","text":"Describe this image."}])");
  EXPECT_EQ(row.messages[1]["content"], "A caption.");
}

TEST_F(Evaluate, GroundingTellsThePicturesApart) {
  const GroundingFigures figures = evaluate_grounding(model_.subject, shards(6), 1, few());
  EXPECT_EQ(figures.rows, 6);
  EXPECT_EQ(figures.right.tokens, figures.shuffled.tokens);
  EXPECT_EQ(figures.right.tokens, figures.none.tokens);
  EXPECT_NE(figures.right.sum, figures.shuffled.sum);
  EXPECT_NE(figures.right.sum, figures.none.sum);
  const Json json = figures.to_json();
  EXPECT_EQ(json["under_shuffled"].get<double>(), 1.0 - figures.right.mean() / figures.shuffled.mean());
}

// A decoder whose attention and MLP add nothing sees each token alone, and so no picture.
TEST_F(Evaluate, GroundingIsZeroForAModelThatDoesNotLook) {
  for (DecoderBlock& block : model_.graft.language_model.blocks) {
    std::memset(block.o_proj.weight.mutable_raw(), 0, block.o_proj.weight.bytes());
  }
  EvaluateOptions alone = few();
  alone.batch_size = 1;
  const GroundingFigures figures = evaluate_grounding(model_.subject, shards(6), 1, alone);
  EXPECT_NEAR(figures.under_shuffled(), 0, 1e-6);
  EXPECT_NEAR(figures.under_none(), 0, 1e-6);
}

TEST_F(Evaluate, GroundingNeedsAnotherPicture) {
  const auto data = shards(3);
  test::expect_error(test::error_of([&] { evaluate_grounding(model_.subject, data, 1, few(1)); }),
                     "expected another one to exchange them with");
}

TEST_F(Evaluate, ScenesAreGradedAndAsked) {
  SceneOptions options{.common = few(5), .questions = true, .keep = 2};
  const SceneFigures figures = evaluate_scenes(model_.subject, shards(7), options);
  EXPECT_EQ(figures.grade.captions, 5);
  EXPECT_GE(figures.grade.objects, 5);
  EXPECT_EQ(figures.all_answers().asked, 15);  // three of each scene
  ASSERT_EQ(figures.samples.size(), 2u);
  EXPECT_TRUE(figures.samples[0].picture.starts_with("\xFF\xD8"));
  EXPECT_FALSE(figures.samples[0].truth.empty());
  const Json json = figures.to_json();
  EXPECT_EQ(json["answers"]["asked"], 15);
  EXPECT_TRUE(json.contains("pair"));
}

TEST_F(Evaluate, ShardsWithoutScenesAreRefused) {
  const auto file = folder_.path() / "other.tar";
  TarWriter tar(file);
  tar.append("a.txt", "no scene");
  tar.close();
  test::expect_error(
      test::error_of([&] { evaluate_scenes(model_.subject, {file.string()}, {.common = few()}); }),
      "other.tar/a");
}

TEST_F(Evaluate, QuestionsAreAnsweredAndScored) {
  folder_.write("q.jsonl",
                R"({"question": "What is it?", "answers": ["", "x"], "metric": "contains", "id": 7})"
                "\n"
                R"({"question": "And now?", "answer": "no such words at all"})"
                "\n");
  QuestionOptions options{.common = few(), .metric = Metric::exact, .suffix = " Briefly."};
  const QuestionFigures figures = evaluate_questions(model_.subject, folder_.path() / "q.jsonl", options);
  ASSERT_EQ(figures.questions.size(), 2u);
  EXPECT_EQ(figures.questions[0].id, "7");
  EXPECT_EQ(figures.questions[0].score, 1.0);  // everything contains the empty answer
  EXPECT_EQ(figures.questions[1].score, 0.0);
  const GenerateRequest request = answer_request(model_.subject, user_turn("And now? Briefly.", 0), {});
  const auto alone = answers_to(model_.subject, std::span(&request, 1), 6);
  EXPECT_NE(alone[0].text.find(figures.questions[1].prediction), std::string::npos);
  EXPECT_EQ(figures.to_json().dump(),
            R"({"contains":{"questions":1,"score":1.0},"exact":{"questions":1,"score":0.0}})");
}

TEST_F(Evaluate, FaultyQuestionsAreNamed) {
  const auto fault = [&](const std::string& line) {
    const auto file = folder_.write("bad.jsonl", line + "\n");
    return test::error_of([&] { evaluate_questions(model_.subject, file, {.common = few()}); });
  };
  test::expect_error(fault(R"({"question": "Q"})"), "bad.jsonl:1] has neither 'answers' nor 'answer'");
  test::expect_error(fault(R"({"question": "Q", "answer": "a"})"), "names no metric");
  test::expect_error(fault(R"({"question": "Q", "answer": 3, "metric": "vqa"})"),
                     "key 'answer' holds number");
  test::expect_error(fault(R"({"question": "Q", "answer": "a", "metric": "bleu"})"), "'bleu' is no metric");
  test::expect_error(fault(R"({"answer": "a", "metric": "vqa"})"), "question");
  test::expect_error(fault(R"([1])"), "expected an object");
  test::expect_error(fault(""), "holds no questions");
  test::expect_error(fault(R"({"image": "none.jpg", "question": "Q", "answer": "a", "metric": "vqa"})"),
                     "none.jpg");
}

class TextPath : public Evaluate {
 protected:
  TextFigures compare() {
    std::string lines;
    for (const char* text : {"Hello there.", "Two words", "A longer line of text, with a comma."}) {
      Json messages = user_turn(text, 0);
      messages.push_back({{"role", "assistant"}, {"content", std::string("Yes: ") + text}});
      lines += Json{{"messages", messages}}.dump() + "\n";
    }
    const auto file = folder_.write("text.jsonl", lines);
    return evaluate_text(model_.subject, bare_.subject, {file.string()}, few());
  }

  Loaded bare_{ctx_, golden::model_root() / "base" / "checkpoint"};
};

TEST_F(TextPath, IsTheSameForTheSameDecoder) {
  const TextFigures figures = compare();
  EXPECT_EQ(figures.rows, 3);
  EXPECT_TRUE(figures.identical());
  EXPECT_EQ(figures.max_difference, 0);
  EXPECT_GT(figures.graft.tokens, 0);
  EXPECT_EQ(figures.graft.mean(), figures.bare.mean());
  EXPECT_EQ(figures.to_json()["identical"], true);
}

TEST_F(TextPath, OneWeightOfTheDecoderIsSeen) {
  float& weight = model_.graft.language_model.blocks.back().mlp.down_proj.weight.mutable_values<float>()[5];
  weight *= 1.001f;
  const TextFigures figures = compare();
  EXPECT_FALSE(figures.identical());
  EXPECT_EQ(figures.same_tokens, 3);
  EXPECT_LT(figures.same_logits, 3);
  EXPECT_GT(figures.max_difference, 0);
}

TEST_F(TextPath, TheProjectorIsNoPartOfIt) {
  Tensor& weight = model_.graft.multi_modal_projector.fc1.weight;
  std::memset(weight.mutable_raw(), 0, weight.bytes());
  EXPECT_TRUE(compare().identical());
}

TEST_F(TextPath, RefusesPictures) {
  const auto data = shards(2);
  test::expect_error(test::error_of([&] { evaluate_text(model_.subject, bare_.subject, data, few()); }),
                     "has pictures");
}

}  // namespace
}  // namespace artemis

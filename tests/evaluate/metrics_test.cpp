// Scores of answers against another implementation of the benchmarks' conventions, and their arithmetic by
// hand.
#include <gtest/gtest.h>

#include "artemis/evaluate/answer_metrics.h"
#include "artemis/evaluate/answer_text.h"
#include "artemis/io/json.h"
#include "support/files.h"

namespace artemis {
namespace {

TEST(AnswerMetrics, AgreeWithTheReference) {
  const Json rows = read_json(std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "evaluate" / "answers.json");
  int checked = 0;
  for (const Json& row : rows) {
    SCOPED_TRACE(row.dump());
    const auto prediction = row["prediction"].get<std::string>();
    const auto answers = row["answers"].get<std::vector<std::string>>();
    EXPECT_EQ(normalise_vqa_answer(prediction), row["normal"].get<std::string>());
    if (answers.size() > 1) {
      EXPECT_NEAR(vqa_accuracy(prediction, answers), row["vqa"].get<double>(), 1e-12);
    }
    EXPECT_NEAR(anls(prediction, answers), row["anls"].get<double>(), 1e-12);
    EXPECT_EQ(relaxed_accuracy(prediction, answers), row["relaxed"].get<double>());
    EXPECT_EQ(contains_accuracy(prediction, answers), row["contains"].get<double>());
    ++checked;
  }
  EXPECT_GE(checked, 150);
}

TEST(AnswerMetrics, VqaLeavesEachPersonOut) {
  std::vector<std::string> answers(10, "red");
  std::fill_n(answers.begin(), 3, "blue");
  // Left out one of the three: two others, 2/3 each; left out one of the seven: three others, 1 each.
  EXPECT_NEAR(vqa_accuracy("Blue.", answers), (3 * 2.0 / 3 + 7) / 10, 1e-12);
  EXPECT_EQ(vqa_accuracy("red", answers), 1.0);
  EXPECT_EQ(vqa_accuracy("green", answers), 0.0);
}

TEST(AnswerMetrics, VqaOfOneAnswerIsRightOrWrong) {
  const std::vector<std::string> answers{"two"};
  EXPECT_EQ(vqa_accuracy("2", answers), 1.0);
  EXPECT_EQ(vqa_accuracy("3", answers), 0.0);
}

TEST(AnswerMetrics, AnlsIsZeroUnderAHalf) {
  const std::vector<std::string> answers{"abcdefgh"};
  EXPECT_EQ(anls("abcdxxxx", answers), 0.5);  // 4 of 8 letters changed
  EXPECT_EQ(anls("abcxxxxx", answers), 0.0);  // 5 of 8
  EXPECT_EQ(anls("ABCDEFG", answers), 1.0 - 1.0 / 8);
}

TEST(AnswerMetrics, ExactIgnoresCaseSpaceAndAFinalDot) {
  const std::vector<std::string> answers{"Three", "3"};
  EXPECT_EQ(exact_match(" three. ", answers), 1.0);
  EXPECT_EQ(exact_match("3", answers), 1.0);
  EXPECT_EQ(exact_match("three objects", answers), 0.0);
  EXPECT_EQ(exact_match("", answers), 0.0);
}

TEST(AnswerMetrics, TextThatIsNoUtf8IsScored) {
  const std::vector<std::string> answers{"\xFF\xFE", "x"};
  EXPECT_EQ(exact_match("\xFF\xFE", answers), 1.0);
  for (const std::string_view name : metric_names) {
    const double score = score_answer(parse_metric(name), "\x80\xC3", answers);
    EXPECT_TRUE(score >= 0 && score <= 1) << name;
  }
}

TEST(AnswerMetrics, NamesAndFaults) {
  for (const std::string_view name : metric_names) EXPECT_EQ(metric_name(parse_metric(name)), name);
  test::expect_error(test::error_of([] { parse_metric("bleu"); }), "'bleu' is no metric");
  test::expect_error(test::error_of([] { score_answer(Metric::vqa, "x", {}); }), "no accepted answer");
}

}  // namespace
}  // namespace artemis

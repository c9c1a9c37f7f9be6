#include "artemis/report/run_report.h"

#include <gtest/gtest.h>

#include <fstream>

#include "artemis/io/atomic_file.h"
#include "support/files.h"

namespace artemis {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

class RunReportTest : public testing::Test {
 protected:
  void append(std::string_view text) const {
    std::ofstream(folder_.path() / "metrics.jsonl", std::ios::binary | std::ios::app) << text;
  }
  void append_step(int step, double loss) const {
    append(Json{{"step", step},
                {"loss", loss},
                {"learning_rate", 1e-3},
                {"gradient_norm", 0.5},
                {"samples", 8},
                {"seconds", 0.5 * step},
                {"samples_per_second", 16.0},
                {"waited_share", 0.01},
                {"peak_memory", 256 << 20}}
               .dump() +
           "\n");
  }
  std::string update() {
    report_.update();
    return read_file(folder_.path() / "report.html");
  }

  test::TemporaryFolder folder_;
  RunReport report_{folder_.path(), {"Stage <1>", "artemis 1.2.3", 40}};
};

TEST_F(RunReportTest, StandsBeforeTheFirstStep) {
  const std::string html = update();
  EXPECT_TRUE(has(html, "no values yet"));
  EXPECT_TRUE(has(html, "Stage &lt;1&gt;"));
  EXPECT_FALSE(has(html, "Configuration"));
}

TEST_F(RunReportTest, ShowsTheCurvesTheFiguresAndTheConfiguration) {
  folder_.write("resolved.yaml", "model: <nano>\n");
  for (int step = 1; step <= 30; ++step) append_step(step, 2.0 / step);
  append(R"({"step":30,"eval_loss":0.875,"attribute_accuracy":{"unseen_pairs":0.5,"validation":0.9}})"
         "\n");
  const std::string html = update();
  for (const char* part : {">30</div>", "of 40", "0.0667", "0.8750", "best 0.8750, step 30", "15.0 s",
                           "256 MiB", "Learning rate", "training, smoothed", "held out", "Gradient norm",
                           "Samples a second", "Peak memory", "Attribute accuracy", "unseen pairs: 0.5",
                           "validation: 0.9", "model: &lt;nano&gt;", "artemis 1.2.3"}) {
    EXPECT_TRUE(has(html, part)) << part;
  }
  EXPECT_FALSE(has(html, "no values yet"));
  EXPECT_FALSE(has(html, "could not be read"));
}

TEST_F(RunReportTest, ReadsOnFromWhereItWas) {
  append_step(1, 3.25);
  EXPECT_TRUE(has(update(), "3.2500"));
  append(R"({"step":2,"loss":)");  // a line that is being written
  EXPECT_TRUE(has(update(), "3.2500"));
  append("1.5}\n");
  const std::string html = update();
  EXPECT_TRUE(has(html, "1.5000"));
  EXPECT_TRUE(has(html, "step 1\ntraining: 3.25"));
  EXPECT_FALSE(has(html, "could not be read"));
}

TEST_F(RunReportTest, ReadsAnewWhatBecameShorter) {
  for (int step = 1; step <= 9; ++step) append_step(step, 2);
  EXPECT_TRUE(has(update(), "step 9\n"));
  std::filesystem::remove(folder_.path() / "metrics.jsonl");
  append_step(5, 7.5);
  const std::string html = update();
  EXPECT_TRUE(has(html, "step 5\ntraining: 7.5"));
  EXPECT_FALSE(has(html, "step 9\n"));
}

TEST_F(RunReportTest, CountsLinesThatAreNoFigures) {
  append("{broken\n[1]\n{\"loss\":1}\n{\"step\":\"x\"}\n\xFF\n");
  append(std::string(100, '[') + "\n");
  append("{\"step\":3,\"loss\":null,\"note\":\"text\",\"list\":[1,2]}\n");
  const std::string html = update();
  EXPECT_TRUE(has(html, "could not be read: 6."));
  EXPECT_TRUE(has(html, ">3</div>"));
}

TEST_F(RunReportTest, StaysSmallHoweverLongTheRunOrItsNames) {
  for (int step = 1; step <= 20'000; ++step) append_step(step, step % 7);
  Json many{{"step", 20'000}};
  for (int i = 0; i < 500; ++i) many[fmt::format("</svg><script>{}", i)] = i;
  append(many.dump() + "\n");
  const std::string html = update();
  EXPECT_LT(html.size(), 3'000'000U);
  EXPECT_TRUE(has(html, "Of the figures in metrics.jsonl, 100 are shown."));
  EXPECT_FALSE(has(html, "<script"));
}

}  // namespace
}  // namespace artemis

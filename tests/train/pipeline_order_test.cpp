// The order of the pipeline's rows: a function of the seed, whatever the workers and wherever it is resumed.
#include "artemis/core/random.h"
#include "pipeline_data.h"

namespace artemis {
namespace {

using namespace test;

class PipelineOrder : public testing::Test {
 protected:
  PipelineOrder() {
    std::filesystem::create_directory(folder_.path() / "tars");
    write_shard(folder_.path() / "tars" / "a.tar", 0, 40);
    write_shard(folder_.path() / "tars" / "b.tar", 40, 70);
    write_lines(folder_.path() / "lines.jsonl", 0, 30);
  }

  PipelineOptions options(std::int64_t window, int workers) const {
    PipelineOptions result;
    result.sources = {{.paths = {(folder_.path() / "tars").string()}, .weight = 3},
                      {.paths = {(folder_.path() / "lines.jsonl").string()}, .weight = 1}};
    result.batch_size = 3;
    result.accumulation = 2;
    result.shuffle_window = window;
    result.workers = workers;
    return result;
  }

  TemporaryFolder folder_;
};

TEST_F(PipelineOrder, AWindowOfOneKeepsTheOrderOfTheData) {
  PipelineOptions in_order = options(1, 2);
  in_order.sources.pop_back();
  const auto pipeline = open_pipeline(in_order);
  const std::vector<StepRecord> steps = take(*pipeline, 24);  // 144 rows, two times 70 and 4
  std::int64_t row = 0;
  for (const StepRecord& step : steps) {
    for (const std::string& key : step.keys) {
      const std::int64_t number = row++ % 70;
      EXPECT_EQ(key, fmt::format("{}/{}", number < 40 ? "a.tar" : "b.tar", row_key(number)));
    }
  }
  EXPECT_EQ(pipeline->counts(), (PipelineCounts{.rows = 144, .skipped = 0, .too_long = 0, .epochs = 2}));
}

TEST_F(PipelineOrder, AnyNumberOfWorkersGivesTheSameBatches) {
  const std::vector<StepRecord> one = take(*open_pipeline(options(16, 1)), 40);
  EXPECT_EQ(one, take(*open_pipeline(options(16, 3)), 40));
  PipelineOptions reseeded = options(16, 1);
  reseeded.seed = 43;
  EXPECT_NE(one, take(*open_pipeline(reseeded), 40));
}

TEST_F(PipelineOrder, AnEpochGivesEachRowOnce) {
  PipelineOptions tars = options(16, 3);
  tars.sources.pop_back();
  tars.batch_size = 35;
  const auto pipeline = open_pipeline(tars);
  for (int epoch = 1; epoch <= 3; ++epoch) {
    const std::map<std::string, int> counts = key_counts(take(*pipeline, 1));
    EXPECT_EQ(counts.size(), 70u);
    EXPECT_EQ(pipeline->counts().epochs, epoch);
  }
}

TEST_F(PipelineOrder, SourcesAreMixedByWeight) {
  double lines = 0;
  const std::vector<StepRecord> steps = take(*open_pipeline(options(8, 2)), 200);
  for (const auto& [key, count] : key_counts(steps)) {
    if (key.starts_with("lines.jsonl")) lines += count;
  }
  // A quarter of 1,200; three standard deviations of the binomial are 45.
  EXPECT_NEAR(lines, 300, 45);
}

// Every position between two steps, by another number of workers, in any order.
TEST_F(PipelineOrder, ARestoredPipelineGoesOnWithTheSameBatches) {
  constexpr int steps = 30;
  for (const std::int64_t window : {1, 16, 1000}) {
    SCOPED_TRACE(window);
    const auto whole = open_pipeline(options(window, 2));
    std::vector<Json> states = {whole->state()};
    std::vector<StepRecord> expected;
    std::vector<PipelineCounts> counts;
    for (int i = 0; i < steps; ++i) {
      expected.push_back(record(whole->next()));
      states.push_back(parse_json(whole->state().dump(), "state"));
      counts.push_back(whole->counts());
    }
    const auto other = open_pipeline(options(window, 3));
    Random random(7);
    for (int trial = 0; trial < 12; ++trial) {
      const auto from = static_cast<std::size_t>(random.below(steps));
      SCOPED_TRACE(from);
      other->restore(states[from]);
      EXPECT_EQ(other->state()["counts"], states[from]["counts"]);
      for (std::size_t i = from; i < std::min<std::size_t>(from + 4, steps); ++i) {
        ASSERT_EQ(record(other->next()), expected[i]);
        EXPECT_EQ(other->counts(), counts[i]);
      }
    }
  }
}

// Past the rows after which the plan's state is taken anew, with a stop behind each step.
TEST_F(PipelineOrder, AChainOfRestoresLosesNothing) {
  PipelineOptions small = options(10, 2);
  small.prefetch = 1;
  const std::vector<StepRecord> expected = take(*open_pipeline(small), 60);
  Json state = open_pipeline(small)->state();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto pipeline = open_pipeline(small);
    pipeline->restore(state);
    ASSERT_EQ(record(pipeline->next()), expected[i]) << i;
    state = pipeline->state();
  }
}

TEST_F(PipelineOrder, AStateOfOtherDataIsRefused) {
  const auto pipeline = open_pipeline(options(4, 1));
  pipeline->next();
  Json state = pipeline->state();
  EXPECT_LT(state.dump().size(), 2000u);
  PipelineOptions other = options(4, 1);
  other.sources.pop_back();
  expect_error(error_of([&] { open_pipeline(other)->restore(state); }), "is one in 2 sources, expected 1");
  other = options(4, 1);
  other.sources[0].paths = {(folder_.path() / "tars" / "a.tar").string()};
  expect_error(error_of([&] { open_pipeline(other)->restore(state); }), "is one in other files than");
  state["draws"] = 1'000'000'000'000;
  expect_error(error_of([&] { pipeline->restore(state); }), "lies 1000000000000 rows on");
  expect_error(error_of([&] { pipeline->restore(Json::object()); }), "[data position]");
}

TEST_F(PipelineOrder, WhatCannotBeOpenedIsNamed) {
  PipelineOptions wrong = options(4, 1);
  wrong.sources[0].paths = {(folder_.path() / "none.tar").string()};
  expect_error(error_of([&] { open_pipeline(wrong); }), "none.tar] does not exist");
  wrong.sources[0].paths = {folder_.write("notes.txt", "text").string()};
  expect_error(error_of([&] { open_pipeline(wrong); }), "notes.txt] is no data file, expected .tar");
  wrong.sources[0].weight = -1;
  wrong.sources[0].paths = {(folder_.path() / "tars").string()};
  expect_error(error_of([&] { open_pipeline(wrong); }), "weight -1");
  wrong.sources.clear();
  expect_error(error_of([&] { open_pipeline(wrong); }), "no sources were given");
}

TEST_F(PipelineOrder, RowsAreCounted) { EXPECT_EQ(count_rows(options(1, 1).sources), 100); }

}  // namespace
}  // namespace artemis

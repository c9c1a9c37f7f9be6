// Rows packed to a token budget, and rows that are too long.
#include "artemis/core/random.h"
#include "pipeline_data.h"

namespace artemis {
namespace {

using namespace test;

class PipelinePacking : public testing::Test {
 protected:
  // Rows of text of very different lengths, and each eighth a picture with a long answer.
  PipelinePacking() {
    TarWriter writer(folder_.path() / "a.tar");
    Random random(3);
    for (std::int64_t row = 0; row < 120; ++row) {
      std::string answer;
      for (std::uint64_t words = 1 + random.below(40); words > 0; --words) answer += "The cat sits. ";
      if (row % 8 == 0) {
        writer.append(row_key(row) + ".png", picture_bytes());
        writer.append(row_key(row) + ".txt", answer);
      } else {
        writer.append(row_key(row) + ".json", text_row("Who sits?", answer));
      }
    }
    writer.close();
  }

  PipelineOptions options() const {
    PipelineOptions result;
    result.sources = {{.paths = {(folder_.path() / "a.tar").string()}}};
    result.batch_size = 1;
    result.accumulation = 2;
    result.shuffle_window = 20;
    result.workers = 2;
    return result;
  }

  // The length of each row, by its key.
  std::map<std::string, std::int64_t> lengths() const {
    std::map<std::string, std::int64_t> result;
    const auto pipeline = open_pipeline(options());
    for (int step = 0; step < 60; ++step) {
      for (const Batch& batch : pipeline->next()) result[batch.keys.at(0)] = std::ssize(batch.text.input_ids);
    }
    EXPECT_EQ(result.size(), 120u);
    return result;
  }

  static std::int64_t median(const std::map<std::string, std::int64_t>& lengths) {
    std::vector<std::int64_t> sorted;
    for (const auto& [key, length] : lengths) sorted.push_back(length);
    std::ranges::sort(sorted);
    return sorted[sorted.size() / 2];
  }

  TemporaryFolder folder_;
};

TEST_F(PipelinePacking, MicroBatchesAreFilledAndKeepTheBudget) {
  const std::map<std::string, std::int64_t> length = lengths();
  const std::int64_t longest =
      std::ranges::max_element(length, {}, [](auto& row) { return row.second; })->second;
  PipelineOptions packed = options();
  packed.token_budget = 2 * longest;
  const auto pipeline = open_pipeline(packed);
  std::int64_t tokens = 0;
  std::int64_t batches = 0;
  std::map<std::string, int> seen;
  std::int64_t before = 0;  // tokens of the micro-batch before
  for (int step = 0; step < 20; ++step) {
    for (const Batch& batch : pipeline->next()) {
      const std::int64_t count = std::ssize(batch.text.input_ids);
      EXPECT_LE(count, packed.token_budget);
      for (std::size_t i = 0; i < batch.keys.size(); ++i) {
        ++seen[batch.keys[i]];
        // Whole rows, one after the other.
        EXPECT_EQ(batch.text.offsets[i + 1] - batch.text.offsets[i], length.at(batch.keys[i]));
      }
      // The first row would not have fitted the micro-batch before.
      EXPECT_TRUE(batches == 0 || before + length.at(batch.keys[0]) > packed.token_budget);
      before = count;
      tokens += count;
      ++batches;
    }
  }
  EXPECT_GT(static_cast<double>(tokens) / static_cast<double>(batches * packed.token_budget), 0.75);
  EXPECT_EQ(pipeline->counts().too_long, 0);
  const auto [least, most] = std::ranges::minmax_element(seen, {}, [](auto& row) { return row.second; });
  EXPECT_LE(most->second - least->second, 1);  // epoch by epoch
}

TEST_F(PipelinePacking, ARestoredPipelinePacksTheSameBatches) {
  PipelineOptions packed = options();
  packed.token_budget = median(lengths());
  const auto whole = open_pipeline(packed);
  Json state = whole->state();
  for (int step = 0; step < 40; ++step) {
    const StepRecord expected = record(whole->next());
    const auto resumed = open_pipeline(packed);
    resumed->restore(state);
    ASSERT_EQ(record(resumed->next()), expected) << step;
    EXPECT_EQ(resumed->counts(), whole->counts());
    state = whole->state();
  }
  EXPECT_GT(whole->counts().too_long, 0);
}

TEST_F(PipelinePacking, LongRowsAreDroppedAndCounted) {
  const std::map<std::string, std::int64_t> length = lengths();
  PipelineOptions shorter = options();
  shorter.max_length = median(length);
  const auto too_long =
      std::ranges::count_if(length, [&](auto& row) { return row.second > shorter.max_length; });
  ASSERT_GT(too_long, 30);
  shorter.accumulation = 120 - too_long;
  const auto pipeline = open_pipeline(shorter);
  const StepRecord epoch = record(pipeline->next());
  EXPECT_EQ(std::ssize(epoch.keys), 120 - too_long);
  for (const std::string& key : epoch.keys) EXPECT_LE(length.at(key), shorter.max_length);
  pipeline->next();
  EXPECT_EQ(pipeline->counts().too_long, 2 * too_long);
}

TEST_F(PipelinePacking, LongRowsAreCutAtTheEndOfTheirText) {
  const std::map<std::string, std::int64_t> length = lengths();
  const std::int32_t picture = Reader::get().config.image_token_id;
  PipelineOptions whole = options();
  whole.shuffle_window = 1;
  whole.accumulation = 1;
  PipelineOptions cut = whole;
  cut.long_rows = LongRows::cut;
  cut.max_length = median(length);
  std::map<std::string, std::vector<std::int32_t>> ids;
  const auto uncut = open_pipeline(whole);
  for (int i = 0; i < 120; ++i) {
    const Batch batch = std::move(uncut->next().at(0));
    ids[batch.keys[0]] = batch.text.input_ids;
  }
  const auto pipeline = open_pipeline(cut);
  std::int64_t shortened = 0;
  while (pipeline->counts().epochs == 0) {
    const Batch batch = std::move(pipeline->next().at(0));
    std::vector<std::int32_t> expected = ids.at(batch.keys[0]);
    if (std::ssize(expected) > cut.max_length) {
      ++shortened;
      const auto kept = expected.begin() + cut.max_length;
      EXPECT_EQ(std::count(kept, expected.end(), picture), 0);
      expected.erase(kept, expected.end());
    }
    EXPECT_EQ(batch.text.input_ids, expected);
    EXPECT_GT(batch.supervision.count(), 0);
  }
  EXPECT_GT(shortened, 30);
  EXPECT_GE(pipeline->counts().too_long, shortened);
}

// Cut within the picture or before the answer, a row teaches nothing.
TEST_F(PipelinePacking, ACutThroughAPictureDropsTheRow) {
  PipelineOptions cut = options();
  cut.long_rows = LongRows::cut;
  cut.max_length = 3;
  expect_error(error_of([&] { open_pipeline(cut)->next(); }),
               "no row of use in a whole epoch; so far 0 rows were skipped and");
}

TEST_F(PipelinePacking, OptionsThatMakeNoSenseAreRefused) {
  PipelineOptions wrong = options();
  wrong.token_budget = 100;
  wrong.max_length = 101;
  expect_error(error_of([&] { open_pipeline(wrong); }),
               "rows of 101 tokens do not fit a token budget of 100");
  wrong = options();
  wrong.batch_size = 0;
  expect_error(error_of([&] { open_pipeline(wrong); }), "0 rows a micro-batch");
  wrong.accumulation = 0;
  expect_error(error_of([&] { open_pipeline(wrong); }), "0 micro-batches a step");
}

}  // namespace
}  // namespace artemis

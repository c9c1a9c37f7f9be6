// Rows that cannot be used: counted exactly, none of the others lost or seen twice, over fifty resumes.
#include "artemis/core/random.h"
#include "pipeline_data.h"

namespace artemis {
namespace {

using namespace test;

// 600 sound rows in six shards and a JSONL file, and 17 faults among them: a picture cut short, text that is
// no JSON, a sample without text, parts that stand twice, keys that come again, a member that climbs, lines
// without a picture's file, a shard that breaks off in a row, and a file that is no shard.
class PipelineFaults : public testing::Test {
 protected:
  static constexpr std::int64_t sound = 600;
  static constexpr std::int64_t faults = 17;

  PipelineFaults() {
    for (int shard = 0; shard < 5; ++shard) write_bad_shard(shard);
    write_cut_shard();
    write_bad_lines();
    folder_.write("z.tar", "no shard at all");
  }

  static void append_text(TarWriter& writer, const std::string& key) {
    writer.append(key + ".json", text_row("Which row is it? " + key, "The cat sits."));
  }

  // 90 sound rows and 2 or 3 faults, of a kind for each shard.
  void write_bad_shard(int shard) {
    TarWriter writer(folder_.path() / fmt::format("{}.tar", shard));
    for (int row = 0; row < 90; ++row) {
      const std::string key = fmt::format("{}-{:03}", shard, row);
      append_text(writer, key);
      if (row != 20 && row != 70) continue;
      const std::string bad = key + "-bad";
      switch (shard) {
        case 0:
          writer.append(bad + ".png", picture_bytes().substr(0, 500));
          writer.append(bad + ".txt", "A cat.");
          break;
        case 1:
          writer.append(bad + ".json", "{\"messages\": [");
          break;
        case 2:
          writer.append(bad + ".png", picture_bytes());
          break;
        case 3:  // twice, then interleaved
          append_text(writer, bad);
          append_text(writer, bad);
          break;
        default:
          writer.append(fmt::format("{}-{:03}.txt", shard, row - 10), "Late.");
          break;
      }
    }
    if (shard == 4) writer.append("../climbs.json", "{}");
    writer.close();
  }

  // 50 sound rows, then one that breaks off.
  void write_cut_shard() {
    const std::filesystem::path file = folder_.path() / "5.tar";
    TarWriter writer(file);
    for (int row = 0; row < 50; ++row) append_text(writer, fmt::format("5-{:03}", row));
    writer.append("5-end.json", std::string(5000, ' '));
    writer.close();
    const std::string whole = read_file(file);
    write_file_atomically(file, std::string_view(whole).substr(0, whole.rfind("5-end.json") + 2000));
  }

  // 100 sound lines and 4 faults.
  void write_bad_lines() {
    std::string lines;
    for (int line = 0; line < 100; ++line) {
      lines += text_row(fmt::format("Which line is {}?", line), "The first one.") + "\n";
      if (line == 10) lines += "no JSON\n\n";
      if (line == 30) lines += "{\"image\": \"none.png\", \"caption\": \"A cat.\"}\n";
      if (line == 50) lines += "[1, 2]\n";
      if (line == 99) lines += "{\"messages\": []}";
    }
    folder_.write("6.jsonl", lines);
  }

  PipelineOptions options(int workers) const {
    PipelineOptions result;
    result.sources = {{.paths = {folder_.path().string()}}};
    result.batch_size = 4;
    result.accumulation = 1;
    result.shuffle_window = 50;
    result.workers = workers;
    result.max_skipped = 1000;
    return result;
  }

  TemporaryFolder folder_;
};

TEST_F(PipelineFaults, AnEpochGivesEverySoundRowOnceAndNamesTheOthers) {
  Lines log;
  const auto pipeline = open_pipeline(options(2), &log);
  const std::map<std::string, int> counts = key_counts(take(*pipeline, sound / 4));
  EXPECT_EQ(std::ssize(counts), sound);
  EXPECT_EQ(pipeline->counts(),
            (PipelineCounts{.rows = sound, .skipped = faults, .too_long = 0, .epochs = 1}));
  EXPECT_EQ(std::ssize(log), faults);
  for (const std::string part :
       {"0.tar/0-020-bad.png", "1.tar/1-070-bad", "2.tar/2-020-bad",
        "3.tar] member '3-070-bad.json' stands twice", "4.tar] member '4-010.txt' comes after other samples",
        "4.tar] member '../climbs.json' leads out", "5.tar] member '5-end.json' breaks off",
        "line 12] malformed JSON", "none.png] cannot be opened", "6.jsonl:55] is array",
        "z.tar] cannot be opened as a tar archive"}) {
    EXPECT_TRUE(std::ranges::any_of(log, [&](const std::string& line) {
      return line.starts_with("skipped: [") && line.find(part) != std::string::npos;
    })) << part;
  }
}

// Stopped and resumed 50 times at random, by another number of workers each time, over three epochs.
TEST_F(PipelineFaults, FiftyResumesCountExactly) {
  constexpr int steps = 3 * sound / 4;
  Random random(11);
  std::vector<int> stops;
  for (int i = 0; i < 50; ++i) stops.push_back(static_cast<int>(random.below(steps)));
  std::ranges::sort(stops);
  Lines log;
  auto pipeline = open_pipeline(options(2), &log);
  std::vector<StepRecord> taken;
  for (int step = 0, stop = 0; step < steps; ++step) {
    for (; stop < std::ssize(stops) && stops[static_cast<std::size_t>(stop)] == step; ++stop) {
      const Json state = pipeline->state();
      pipeline = open_pipeline(options(1 + stop % 3), &log);
      pipeline->restore(state);
    }
    taken.push_back(record(pipeline->next()));
  }
  EXPECT_EQ(pipeline->counts(),
            (PipelineCounts{.rows = 3 * sound, .skipped = 3 * faults, .too_long = 0, .epochs = 3}));
  EXPECT_EQ(std::ssize(log), 3 * faults);
  const std::map<std::string, int> counts = key_counts(taken);
  EXPECT_EQ(std::ssize(counts), sound);
  for (const auto& [key, count] : counts) EXPECT_EQ(count, 3) << key;
  EXPECT_EQ(taken, take(*open_pipeline(options(3)), steps));
}

TEST_F(PipelineFaults, TheLimitEndsTheRunAtTheSameRow) {
  PipelineOptions few = options(3);
  few.max_skipped = 5;
  std::vector<int> steps;
  for (const int workers : {1, 3}) {
    few.workers = workers;
    Lines log;
    const auto pipeline = open_pipeline(few, &log);
    int step = 0;
    const std::string error = error_of([&] {
      for (; step < 1000; ++step) pipeline->next();
    });
    expect_error(error, "[data] 6 rows could not be used, at most 5 may be; the last: [");
    expect_error(error_of([&] { pipeline->next(); }), "6 rows could not be used");
    EXPECT_EQ(log.size(), 6u);
    steps.push_back(step);
  }
  EXPECT_EQ(steps[0], steps[1]);
}

TEST_F(PipelineFaults, ASourceWithoutAUsableRowEndsTheRun) {
  const TemporaryFolder other;
  PipelineOptions bad = options(2);
  bad.sources.push_back({.paths = {other.write("bad.jsonl", "{}\n{}\n{}\n").string()}, .weight = 1});
  const auto pipeline = open_pipeline(bad);
  expect_error(error_of([&] {
                 for (;;) pipeline->next();
               }),
               "source 2 has given no row of use in a whole epoch");
  bad.sources = {{.paths = {other.write("empty.jsonl", "\n\n").string()}}};
  expect_error(error_of([&] { open_pipeline(bad)->next(); }), "empty.jsonl hold no rows");
}

}  // namespace
}  // namespace artemis

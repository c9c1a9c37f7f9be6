// Rows for the tests of the pipeline: shards, a processor, and what a pipeline gives.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "artemis/io/atomic_file.h"
#include "artemis/io/tar.h"
#include "artemis/train/pipeline.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis::test {

// The processor of a small graft.
struct Reader {
  std::filesystem::path root = golden::model_root() / "base" / "checkpoint";
  GraftConfig config = read_graft_config(root);
  Processor processor = Processor::load(root, config);

  static const Reader& get() {
    static const Reader reader;
    return reader;
  }
};

inline std::string picture_bytes() {
  static const std::string bytes = read_file(golden::model_root() / "images" / "gray.png");
  return bytes;
}

// A row of text, as KEY.json holds it.
inline std::string text_row(const std::string& question, const std::string& answer) {
  const Json messages = {{{"role", "user"}, {"content", question}},
                         {{"role", "assistant"}, {"content", answer}}};
  return Json{{"messages", messages}}.dump();
}

inline std::string row_key(std::int64_t row) { return fmt::format("{:05}", row); }

// A shard of rows [begin, end): every eighth with a picture and a caption, the others of text.
inline void write_shard(const std::filesystem::path& file, std::int64_t begin, std::int64_t end) {
  TarWriter writer(file);
  for (std::int64_t row = begin; row < end; ++row) {
    if (row % 8 == 0) {
      writer.append(row_key(row) + ".png", picture_bytes());
      writer.append(row_key(row) + ".txt", "A cat looks at us.");
    } else {
      writer.append(row_key(row) + ".json", text_row(fmt::format("Which row is {}?", row), "The cat sits."));
    }
  }
  writer.close();
}

inline void write_lines(const std::filesystem::path& file, std::int64_t begin, std::int64_t end) {
  std::string lines;
  for (std::int64_t row = begin; row < end; ++row)
    lines += text_row(fmt::format("Which line is {}?", row), "The first one.") + "\n";
  write_file_atomically(file, lines);
}

// Everything that a step holds, as text and numbers that can be compared.
struct StepRecord {
  std::vector<std::string> keys;
  std::vector<std::size_t> rows;  // of each micro-batch
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> labels;
  std::vector<float> pixels;

  bool operator==(const StepRecord&) const = default;
};

inline StepRecord record(const std::vector<Batch>& batches) {
  StepRecord step;
  for (const Batch& batch : batches) {
    step.rows.push_back(batch.keys.size());
    step.keys.insert(step.keys.end(), batch.keys.begin(), batch.keys.end());
    const auto& ids = batch.text.input_ids;
    step.ids.insert(step.ids.end(), ids.begin(), ids.end());
    const auto& labels = batch.supervision.labels;
    step.labels.insert(step.labels.end(), labels.begin(), labels.end());
    if (batch.pictures.empty()) continue;
    const auto pixels = batch.pictures.pixel_values.values<float>();
    step.pixels.insert(step.pixels.end(), pixels.begin(), pixels.end());
  }
  return step;
}

using Lines = std::vector<std::string>;

inline std::unique_ptr<Pipeline> open_pipeline(const PipelineOptions& options, Lines* log = nullptr) {
  const Reader& reader = Reader::get();
  return std::make_unique<Pipeline>(options, reader.processor, reader.config, [log](const std::string& line) {
    if (log != nullptr) log->push_back(line);
  });
}

inline std::vector<StepRecord> take(Pipeline& pipeline, int steps) {
  std::vector<StepRecord> records;
  for (int i = 0; i < steps; ++i) records.push_back(record(pipeline.next()));
  return records;
}

// How often each row was given.
inline std::map<std::string, int> key_counts(const std::vector<StepRecord>& steps) {
  std::map<std::string, int> counts;
  for (const StepRecord& step : steps) {
    for (const std::string& key : step.keys) ++counts[key];
  }
  return counts;
}

}  // namespace artemis::test

// The figures of a run, a line of JSON for each step and each evaluation.
#pragma once

#include <filesystem>
#include <fstream>

#include "artemis/io/json.h"
#include "artemis/train/trainer.h"

namespace artemis {

struct StepMetrics {
  StepReport report;
  double seconds = 0;             // since the run was started or resumed
  double samples_per_second = 0;  // of this step
  double waited_share = 0;        // of this step's time, for its rows
  std::int64_t peak_memory = 0;   // bytes, resident, of the process
};

struct EvalMetrics {
  std::int64_t step = 0;
  double loss = 0;        // over the held-out batches
  Json figures = Json();  // what RunHooks::evaluate gave
};

Json to_json(const StepMetrics& metrics);
Json to_json(const EvalMetrics& metrics);

// Bytes of memory that this process has held at most.
std::int64_t peak_memory();

class MetricsFile {
 public:
  // Keeps the lines of the first `steps_done` steps, which an earlier part of the run wrote, and drops the
  // others. Throws Error naming the file when it cannot be written.
  MetricsFile(std::filesystem::path file, std::int64_t steps_done);

  void add(const Json& line);

 private:
  std::filesystem::path file_;
  std::ofstream stream_;
};

}  // namespace artemis

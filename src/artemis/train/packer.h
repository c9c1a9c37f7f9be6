// From rows in their order to the micro-batches of a step.
#pragma once

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/train/pipeline.h"

namespace artemis {

// What became of one planned row.
struct Outcome {
  std::int64_t sequence = 0;        // from 0, as planned
  std::vector<std::string> faults;  // of rows before it that cannot be used, and its own
  std::optional<Example> example;   // unless it cannot be used
  std::exception_ptr failure;       // what ends the run
  std::size_t source = 0;
  std::int64_t source_epochs = 0;
  std::int64_t epochs = 0;
  std::shared_ptr<const Json> plan;  // the plan's state as it was before the row `plan_sequence`
  std::int64_t plan_sequence = 0;
};

struct Step {
  std::vector<Batch> batches;
  std::vector<std::string> log;  // the rows that were passed over, one line each
  PipelineCounts counts;         // up to here
  // The position after it: the state of a plan, and rows to draw from there.
  std::shared_ptr<const Json> plan;
  std::int64_t draws = 0;
};

class Packer {
 public:
  // Throws Error for options that make no sense. `counts`: those of the steps before.
  Packer(const PipelineOptions& options, std::int32_t image_token_id, const PipelineCounts& counts);

  // Takes outcomes in their sequence; the step that is now complete, or nothing. Throws Error when too many
  // rows cannot be used, and the failure of an outcome.
  std::optional<Step> add(Outcome outcome);

  // The lines of the step that is not complete.
  std::vector<std::string> take_log() { return std::move(log_); }

 private:
  bool fits(const Example& example) const;
  void count(const Outcome& outcome);
  void check_source(const Outcome& outcome, bool used);
  bool shorten(Example& example) const;
  void close_batch();
  Step close_step(const Outcome& outcome, std::int64_t end);

  PipelineOptions options_;
  std::int32_t image_token_id_;
  PipelineCounts counts_;
  std::vector<Example> open_;  // rows of the micro-batch that is being filled
  std::int64_t open_tokens_ = 0;
  std::vector<Batch> batches_;
  std::vector<std::string> log_;
  std::map<std::size_t, std::int64_t> last_used_;  // the epoch of each source's last row that was used
};

}  // namespace artemis

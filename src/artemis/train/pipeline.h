// The rows of a training run: mixed from several sources, prepared ahead by worker threads, in an order that
// is a function of the seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "artemis/train/collate.h"
#include "artemis/train/row_plan.h"

namespace artemis {

// What becomes of a row with more than max_length tokens: left out, or shortened at the end of its text
// (left out where that would cut into a picture or leave nothing to learn). Either way it is counted.
enum class LongRows { drop, cut };

struct PipelineOptions {
  std::vector<DataSource> sources;
  std::int64_t batch_size = 2;    // rows of a micro-batch
  std::int64_t accumulation = 4;  // micro-batches of a step
  std::int64_t token_budget = 0;  // over 0: a micro-batch is as many rows as fit, whatever batch_size says
  std::int64_t max_length = 0;    // tokens of a row; 0: the token budget, or no limit
  LongRows long_rows = LongRows::drop;
  std::int64_t shuffle_window = 1024;  // rows of each source; 1 keeps the order of the data
  std::uint64_t seed = 42;
  int workers = 0;                 // 0: one
  std::int64_t prefetch = 4;       // steps made ahead
  std::int64_t max_skipped = 100;  // rows that cannot be used, before the run is given up
};

struct PipelineCounts {
  std::int64_t rows = 0;      // in the batches returned
  std::int64_t skipped = 0;   // could not be used
  std::int64_t too_long = 0;  // dropped or cut
  std::int64_t epochs = 0;    // times that every source has been read to its end

  bool operator==(const PipelineCounts&) const = default;
};

class Pipeline {
 public:
  // `processor` must outlive it. `log` gets one line for each row skipped, in the order of the data, from the
  // thread that calls next(). Throws Error for data that cannot be opened.
  Pipeline(const PipelineOptions& options, const Processor& processor, const GraftConfig& config,
           std::function<void(const std::string&)> log);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // The micro-batches of one step. Throws the Error that its rows met.
  std::vector<Batch> next();

  // The position after what next() has returned. A pipeline over the same data and options that restores it
  // goes on with the same batches and counts; whatever the number of workers. Throws Error for a state that
  // does not fit the data.
  Json state() const;
  void restore(const Json& state);

  PipelineCounts counts() const;
  // Seconds that next() has waited for rows.
  double waited() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace artemis

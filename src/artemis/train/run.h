// A training run: the pipeline's batches through the trainer, with evaluations, checkpoints and figures.
#pragma once

#include <atomic>
#include <functional>

#include "artemis/processor/processor.h"
#include "artemis/train/metrics.h"
#include "artemis/train/pipeline.h"
#include "artemis/train/run_config.h"

namespace artemis {

// What the run trains; all of it must outlive the run.
struct RunModel {
  const GraftConfig& config;
  const Processor& processor;
  Graft& graft;
};

// What others do as the run goes on; any of them may be empty.
struct RunHooks {
  std::function<void(std::int64_t steps, std::int64_t steps_done)> on_start;  // before the first step
  std::function<void(const StepMetrics& metrics)> on_step;
  std::function<void(const EvalMetrics& metrics)> on_eval;
  std::function<void(std::int64_t step, const std::filesystem::path& checkpoint)> on_checkpoint;
  std::function<Json(std::int64_t step)> evaluate;   // further figures beside the eval loss, an object
  std::function<void(const std::string& line)> log;  // rows skipped, checkpoints passed over
};

struct RunResult {
  std::int64_t steps = 0;       // planned
  std::int64_t steps_done = 0;  // in all
  std::int64_t resumed_at = 0;  // steps that an earlier part of the run had done
  bool stopped = false;         // by the flag; a checkpoint of the last step is there
  PipelineCounts counts;
  std::optional<double> eval_loss;  // the last
};

// Throws UsageError with the figures, and the setting that fits, when the config asks for more than the
// `free` bytes of a GPU, of which `kept` are for another model; for before the model is loaded. Without
// max_length or token_budget rows may turn out longer than planned.
void check_memory(const RunConfig& config, const GraftConfig& model, std::size_t free, std::size_t kept = 0);

// Trains as the config says, in the directory config.out: resolved.yaml, metrics.jsonl, checkpoint-N, and at
// the end model-trained.safetensors and, of a run with adapters, adapter/ as PEFT has it. A directory that
// holds a run is gone on with, to the bit on the CPU as if it had never stopped. `stop` is looked at after
// each step. Throws UsageError for a config that cannot be run, Error for all else; the last checkpoint then
// stays.
RunResult run_training(Context& ctx, const RunModel& model, const RunConfig& config, const RunHooks& hooks,
                       const std::atomic<bool>& stop);

}  // namespace artemis

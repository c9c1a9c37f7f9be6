// The checkpoints of a run: OUT/checkpoint-N, each holding all that the run needs to go on as if it had never
// stopped.
#pragma once

#include <functional>
#include <optional>

#include "artemis/train/optimizer.h"
#include "artemis/train/run_config.h"

namespace artemis {

// The trained weights under their names in the model, exact (f32 where the run keeps f32 masters).
constexpr const char* trained_weights_file = "model-trained.safetensors";

// At the end of a run with adapters: they and what else was trained, as PEFT keeps them.
constexpr const char* adapter_folder = "adapter";

struct RunState {
  std::int64_t step = 0;  // done
  Json pipeline;
  Json config;                      // as run_identity() gives
  std::optional<double> eval_loss;  // of this step, where it was evaluated
};

// What decides the course of a run: the keys that alter it, by name.
Json run_identity(const RunConfig& config);

// Writes OUT/checkpoint-N whole or not at all; one of the same step is replaced. Returns its path.
std::filesystem::path save_checkpoint(const std::filesystem::path& out, const RunState& state,
                                      const Optimizer& optimizer);

// Deletes all but the newest `keep_last` and, when asked, the one of the lowest eval loss, whose name and
// loss are then in OUT/best.json.
void prune_checkpoints(const std::filesystem::path& out, std::int64_t keep_last, bool keep_best);

// Deletes what a killed process left half written.
void remove_leftovers(const std::filesystem::path& out);

// Restores the optimizer from the newest checkpoint that can be read; `log` gets a line for each that cannot.
// Nothing when there is none. Throws Error when the run was described otherwise, naming the keys.
std::optional<RunState> resume_checkpoint(const std::filesystem::path& out, const Json& identity,
                                          Optimizer& optimizer,
                                          const std::function<void(const std::string&)>& log);

// Writes the trained weights to a file.
void save_trained_weights(const std::filesystem::path& file, const Optimizer& optimizer);

}  // namespace artemis

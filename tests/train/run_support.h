// Small runs over the golden training rows.
#pragma once

#include <vector>

#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "artemis/train/run.h"
#include "artemis/train/run_checkpoint.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis::test {

inline std::filesystem::path run_root() { return golden::model_root() / "train"; }

// Ten steps of 2 x 2 rows with a checkpoint after each.
inline RunConfig small_run(const std::filesystem::path& out) {
  RunConfig config;
  config.model = (run_root() / "checkpoint").string();
  config.out = out.string();
  config.data = {{.paths = {(run_root() / "rows.jsonl").string()}, .weight = 1.0}};
  config.accumulation = 2;
  config.steps = 10;
  config.warmup_ratio = 0.2;
  config.shuffle_window = 5;
  config.save_every = 1;
  return config;
}

struct RunOutcome {
  RunResult result;
  std::vector<std::string> log;
};

// Runs until `stop_after` steps (0: to the end) are done in this part.
inline RunOutcome run(const RunConfig& config, std::int64_t stop_after = 0) {
  Context ctx(Device{}, 2);
  const GraftConfig model_config = read_graft_config(config.model);
  const Processor processor = Processor::load(config.model, model_config);
  const CheckpointReader checkpoint = CheckpointReader::open(config.model);
  Graft model = load_graft(ctx, checkpoint, model_config, config.dtype == "bf16" ? DType::bf16 : DType::f32);
  std::atomic<bool> stop{false};
  std::int64_t steps = 0;
  RunOutcome outcome;
  RunHooks hooks;
  hooks.on_step = [&](const StepMetrics&) { stop = ++steps == stop_after; };
  hooks.log = [&](const std::string& line) { outcome.log.push_back(line); };
  outcome.result = run_training(ctx, {model_config, processor, model}, config, hooks, stop);
  return outcome;
}

// What is to be the same to the bit, step by step: loss, gradient norm and learning rate.
inline std::vector<std::string> curve(const std::filesystem::path& out) {
  std::vector<std::string> lines;
  std::ifstream stream(out / "metrics.jsonl");
  for (std::string text; std::getline(stream, text);) {
    const Json line = parse_json(text, "metrics.jsonl");
    std::string words;
    for (const char* key : {"step", "loss", "eval_loss", "gradient_norm", "learning_rate"}) {
      if (line.contains(key)) words += fmt::format("{} {} ", key, line[key].dump());
    }
    lines.push_back(words);
  }
  return lines;
}

inline std::string trained_bytes(const std::filesystem::path& out) {
  return read_file(out / trained_weights_file);
}

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

// The whole number in an environment variable, or `fallback`.
inline std::int64_t count_from_environment(const char* name, std::int64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::stoll(text) : fallback;
}

}  // namespace artemis::test

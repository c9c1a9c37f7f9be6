// The training loop: micro-batches accumulate to a step, steps follow the schedule.
#pragma once

#include <functional>
#include <span>

#include "artemis/train/collate.h"
#include "artemis/train/optimizer.h"
#include "artemis/train/schedule.h"

namespace artemis {

struct TrainOptions {
  std::int64_t steps = 0;
  double learning_rate = 1e-3;
  Schedule schedule = Schedule::cosine;
  double warmup_ratio = 0.0;    // warm-up lasts int(steps * ratio) steps
  bool token_weighted = false;  // weigh micro-batches by their supervised tokens, not all alike
  OptimizerOptions optimizer;
};

struct StepReport {
  std::int64_t step = 0;  // from 1
  double loss = 0;        // mean over the step's micro-batches, each a mean over its supervised tokens
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::int64_t supervised_tokens = 0;
};

class Trainer {
 public:
  Trainer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
          const TrainOptions& options);

  // One optimizer step over these micro-batches. Throws Error naming the rows when a loss or gradient is not
  // finite; the weights are then as before.
  StepReport step(std::span<const Batch> micro_batches);

  Optimizer& optimizer() { return optimizer_; }

 private:
  Context& ctx_;
  Graft& model_;
  const GraftConfig& config_;
  TrainOptions options_;
  Optimizer optimizer_;
};

// The mean loss over all supervised tokens of the batches; no gradients.
double evaluate_loss(Context& ctx, std::span<const Batch> batches, const Graft& model,
                     const GraftConfig& config);

}  // namespace artemis

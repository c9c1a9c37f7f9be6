// The training loop: micro-batches accumulate to a step, steps follow the schedule.
// On a GPU the micro-batches of a step become one pass where the memory allows: the same sum, in larger
// products.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "artemis/train/collate.h"
#include "artemis/train/memory_plan.h"
#include "artemis/train/schedule.h"

namespace artemis {

struct TrainOptions {
  std::int64_t steps = 0;
  double learning_rate = 1e-3;
  Schedule schedule = Schedule::cosine;
  double warmup_ratio = 0.0;    // warm-up lasts int(steps * ratio) steps
  bool token_weighted = false;  // weigh micro-batches by their supervised tokens, not all alike
  // What the backward pass makes again; by default as little as the device's memory allows (nothing on the
  // CPU).
  std::optional<Recompute> recompute{};
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
  // The loss of these micro-batches, each times its weight, with its gradients; one pass or one for each.
  double run(std::span<const Batch> micro_batches, std::span<const double> weights);
  double run_as_one(std::span<const Batch> micro_batches, std::span<const double> weights,
                    Recompute recompute);
  // The least that must be made again for these to fit as one pass; none: they do not fit.
  std::optional<Recompute> fitting(std::span<const Batch> micro_batches);
  bool fits(const PassSize& size, Recompute recompute);

  // Passes seen to fit and not to fit in memory, with one choice of what is made again.
  struct Known {
    PassSize fitting;
    std::optional<PassSize> too_large;
  };

  Context& ctx_;
  Graft& model_;
  const GraftConfig& config_;
  Trainable trainable_;
  TrainOptions options_;
  Optimizer optimizer_;
  std::array<Known, 3> known_;  // by Recompute
};

// Text and supervision of several batches as one; each position's loss has its batch's weight. No pictures.
Batch joined(std::span<const Batch> batches, std::span<const double> weights);

// The mean loss over all supervised tokens of the batches; no gradients.
double evaluate_loss(Context& ctx, std::span<const Batch> batches, const Graft& model,
                     const GraftConfig& config);

}  // namespace artemis

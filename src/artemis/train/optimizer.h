// AdamW over the trained weights of a graft: f32 moments, and f32 master weights where the model computes in
// bf16.
#pragma once

#include <string>
#include <vector>

#include "artemis/model/weight_names.h"

namespace artemis {

struct OptimizerOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double max_gradient_norm = 0.3;  // 0: no clipping
};

// One trained weight with what the optimizer keeps for it; all of the weight's held shape.
struct TrainedWeight {
  WeightSpec spec;
  Tensor parameter;  // in the model's dtype
  Tensor master;     // f32; the parameter itself when that is f32
  Tensor gradient;   // f32
  Tensor first;      // f32, running mean of the gradient
  Tensor second;     // f32, running mean of its square
  bool decays = false;
};

class Optimizer {
 public:
  // Gives every trained weight memory of its own in `model` (frozen ones keep theirs) and makes
  // `gradients()`. `master_weights` f32 values by the weight's order may differ from the parameters when a
  // run is resumed.
  Optimizer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
            const OptimizerOptions& options);

  const Graft& gradients() const { return gradients_; }
  std::vector<TrainedWeight>& weights() { return weights_; }
  const std::vector<TrainedWeight>& weights() const { return weights_; }

  // Clips the gradients to the norm, updates the weights with this learning rate, and clears the gradients.
  // Returns the gradients' norm before clipping. Throws Error, with nothing updated, when it is not finite.
  double step(double learning_rate);

  std::int64_t steps_done() const { return steps_done_; }
  void set_steps_done(std::int64_t steps) { steps_done_ = steps; }

 private:
  Context& ctx_;
  OptimizerOptions options_;
  Graft gradients_;
  std::vector<TrainedWeight> weights_;
  std::int64_t steps_done_ = 0;
};

// The reference trainer's rule: weight decay for all but names with "bias", "layer_norm.weight",
// "LayerNorm.weight".
bool weight_decays(const std::string& name);

}  // namespace artemis

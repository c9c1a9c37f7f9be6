// AdamW over the trained weights of a graft: f32 moments, and f32 master weights where the model computes in
// bf16.
#pragma once

#include <functional>
#include <string>
#include <utility>
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
  // `gradients()`.
  Optimizer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
            const OptimizerOptions& options);

  const Graft& gradients() const { return gradients_; }
  std::vector<TrainedWeight>& weights() { return weights_; }
  const std::vector<TrainedWeight>& weights() const { return weights_; }

  // Of all gradients together.
  double gradient_norm() const;

  // Clips the gradients, whose norm this is, updates the weights with this learning rate, and clears the
  // gradients.
  void step(double learning_rate, double norm);

  // The exact values of the trained weights, in the checkpoint's shapes, and what else a later run needs to
  // go on (the moments), each under the weight's name with a prefix; all on the CPU.
  std::vector<std::pair<std::string, Tensor>> trained() const;
  std::vector<std::pair<std::string, Tensor>> state() const;
  // The reverse: `tensor_of` gives what trained() and state() gave under that name. Throws Error, naming
  // `where`, for a tensor of another dtype or shape.
  void restore(const std::function<Tensor(const std::string& name)>& tensor_of, std::int64_t steps_done,
               const std::string& where);

  std::int64_t steps_done() const { return steps_done_; }

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

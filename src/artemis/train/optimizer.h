// AdamW over the trained weights of a graft, with moments in f32 or 8 bits, and bf16 weights with f32 masters
// or stochastic rounding.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "artemis/kernels/adamw.h"
#include "artemis/model/weight_names.h"

namespace artemis {

enum class MomentKind : std::uint8_t { f32, eight_bits };
enum class WeightRounding : std::uint8_t { master, stochastic };

struct OptimizerOptions {
  MomentKind moments = MomentKind::f32;
  // Weights of fewer elements keep f32 moments, as in the library of the 8-bit method's authors.
  std::int64_t least_coded_elements = 4096;
  WeightRounding rounding = WeightRounding::master;  // of weights in bf16; others need none
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double max_gradient_norm = 0.3;  // 0: no clipping
  double layer_decay = 1;          // as layer_rate_factor() takes it
  std::uint64_t seed = 0;          // of stochastic rounding
};

// A running mean of the gradient or of its square: in f32, or in 8 bits where plain is undefined.
struct Moment {
  Tensor plain;
  Moment8 coded;
};

// One trained weight with what the optimizer keeps for it; all of the weight's held shape.
struct TrainedWeight {
  WeightSpec spec;
  Tensor parameter;  // in the model's dtype
  Tensor master;     // f32; the parameter itself when that is f32; undefined with stochastic rounding
  Tensor gradient;   // f32
  Moment first;      // mean of the gradient
  Moment second;     // mean of its square
  bool decays = false;
  double rate_factor = 1;  // on the learning rate

  // The tensor that holds the weight as exactly as it is known.
  const Tensor& exact() const { return master ? master : parameter; }
};

class Optimizer {
 public:
  // Trains the weights of `model` where they lie; on the CPU, where they may be a file's, each gets memory of
  // its own there (frozen ones keep theirs). Makes `gradients()`.
  Optimizer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
            const OptimizerOptions& options);

  const Graft& gradients() const { return gradients_; }
  std::vector<TrainedWeight>& weights() { return weights_; }
  const std::vector<TrainedWeight>& weights() const { return weights_; }

  // Of the memory that gradients, masters and moments take.
  std::size_t bytes() const;

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

// The factor on a weight's learning rate: decay^(n - 1 - i) in block i of n of the decoder or the tower (of
// adapters there too), decay^n for what feeds the first block (token, patch and position embeddings), 1 for
// what follows the last (norm, head, merger) and for the projector.
double layer_rate_factor(const WeightSpec& spec, const GraftConfig& config, double decay);

// The reference trainer's rule: weight decay for all but names with "bias", "layer_norm.weight",
// "LayerNorm.weight".
bool weight_decays(const std::string& name);

}  // namespace artemis

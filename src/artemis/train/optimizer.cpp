#include "artemis/train/optimizer.h"

#include <cmath>
#include <unordered_map>

#include "artemis/kernels/adamw.h"
#include "artemis/kernels/rows.h"

namespace artemis {

bool weight_decays(const std::string& name) {
  for (const char* excluded : {"bias", "layer_norm.weight", "LayerNorm.weight"}) {
    if (name.find(excluded) != std::string::npos) return false;
  }
  return true;
}

Optimizer::Optimizer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
                     const OptimizerOptions& options)
    : ctx_(ctx), options_(options), gradients_(make_gradients(config, trainable, ctx.device())) {
  std::unordered_map<std::string, Tensor> gradients;
  for_each_weight(gradients_, config,
                  [&](const WeightSpec& spec, Tensor& gradient) { gradients[spec.name] = gradient; });
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& parameter) {
    const Tensor gradient = gradients.at(spec.name);
    if (!gradient) return;
    const Tensor own = Tensor::allocate(parameter.dtype(), parameter.shape(), ctx.device());
    convert(ctx_, own, parameter);
    parameter = own;
    Tensor master = own;
    if (own.dtype() != DType::f32) {
      master = Tensor::allocate(DType::f32, own.shape(), ctx.device());
      convert(ctx_, master, own);
    }
    weights_.push_back({.spec = spec,
                        .parameter = own,
                        .master = master,
                        .gradient = gradient,
                        .first = Tensor::zeros(DType::f32, own.shape(), ctx.device()),
                        .second = Tensor::zeros(DType::f32, own.shape(), ctx.device()),
                        .decays = weight_decays(spec.name)});
  });
}

double Optimizer::gradient_norm() const {
  double squares = 0;
  for (const TrainedWeight& weight : weights_) squares += sum_of_squares(ctx_, weight.gradient);
  return std::sqrt(squares);
}

void Optimizer::step(double learning_rate, double norm) {
  // torch.nn.utils.clip_grad_norm_: the factor is max / (norm + 1e-6), at most 1.
  const double clip =
      options_.max_gradient_norm > 0 ? std::min(1.0, options_.max_gradient_norm / (norm + 1e-6)) : 1.0;
  ++steps_done_;
  for (const TrainedWeight& weight : weights_) {
    adamw_step(ctx_, weight.parameter, weight.master, weight.first, weight.second, weight.gradient,
               {.learning_rate = learning_rate,
                .beta1 = options_.beta1,
                .beta2 = options_.beta2,
                .eps = options_.eps,
                .weight_decay = weight.decays ? options_.weight_decay : 0.0,
                .step = steps_done_,
                .gradient_scale = clip});
    fill(ctx_, weight.gradient, 0.0f);
  }
}

std::vector<std::pair<std::string, Tensor>> Optimizer::trained() const {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const TrainedWeight& weight : weights_) {
    tensors.emplace_back(weight.spec.name, weight.master.to(Device{}).view(weight.spec.shape));
  }
  return tensors;
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const TrainedWeight& weight : weights_) {
    tensors.emplace_back("first." + weight.spec.name, weight.first.to(Device{}));
    tensors.emplace_back("second." + weight.spec.name, weight.second.to(Device{}));
  }
  return tensors;
}

void Optimizer::restore(const std::function<Tensor(const std::string& name)>& tensor_of,
                        std::int64_t steps_done, const std::string& where) {
  const auto take = [&](const Tensor& target, const std::string& name) {
    const Tensor saved = tensor_of(name);
    require(saved.dtype() == target.dtype() && held_shape(saved.shape()) == target.shape(), where,
            "tensor '{}' is {} of shape {}, expected {} of {}", name, dtype_name(saved.dtype()),
            saved.shape().to_string(), dtype_name(target.dtype()), target.shape().to_string());
    copy(target, saved.view(target.shape()));
  };
  for (const TrainedWeight& weight : weights_) {
    take(weight.master, weight.spec.name);
    take(weight.first, "first." + weight.spec.name);
    take(weight.second, "second." + weight.spec.name);
    if (weight.parameter.raw() != weight.master.raw()) convert(ctx_, weight.parameter, weight.master);
  }
  steps_done_ = steps_done;
}

}  // namespace artemis

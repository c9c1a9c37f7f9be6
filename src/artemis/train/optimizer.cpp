#include "artemis/train/optimizer.h"

#include <cmath>
#include <unordered_map>

#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

Moment zero_moment(const Shape& shape, Device device, const OptimizerOptions& options) {
  if (options.moments == MomentKind::eight_bits && shape.count() >= options.least_coded_elements) {
    return {.plain = {}, .coded = zero_moment8(shape, device)};
  }
  return {.plain = Tensor::zeros(DType::f32, shape, device), .coded = {}};
}

// The tensors of a weight's moments, each with what stands before the weight's name in a checkpoint.
std::vector<std::pair<std::string, Tensor>> moment_tensors(const TrainedWeight& weight) {
  if (weight.first.plain) return {{"first.", weight.first.plain}, {"second.", weight.second.plain}};
  return {{"first.codes.", weight.first.coded.codes},
          {"first.scales.", weight.first.coded.scales},
          {"second.codes.", weight.second.coded.codes},
          {"second.scales.", weight.second.coded.scales}};
}

}  // namespace

bool weight_decays(const std::string& name) {
  for (const char* excluded : {"bias", "layer_norm.weight", "LayerNorm.weight"}) {
    if (name.find(excluded) != std::string::npos) return false;
  }
  return true;
}

double layer_rate_factor(const WeightSpec& spec, const GraftConfig& config, double decay) {
  if (spec.part == Part::projector) return 1;
  const std::int64_t blocks = spec.part == Part::tower ? config.vision->depth : config.text.num_hidden_layers;
  std::int64_t power = 0;
  if (spec.block >= 0) {
    power = blocks - 1 - spec.block;
  } else if (spec.name.find("embed") != std::string::npos) {  // embed_tokens, patch_embed, pos_embed
    power = blocks;
  }
  return std::pow(decay, static_cast<double>(power));
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
    if (parameter.read_only() || ctx.device().kind == DeviceKind::cpu) {
      const Tensor own = Tensor::allocate(parameter.dtype(), parameter.shape(), ctx.device());
      convert(ctx_, own, parameter);
      parameter = own;
    }
    const Tensor own = parameter;
    Tensor master = own.dtype() == DType::f32 ? own : Tensor();
    if (!master && options.rounding == WeightRounding::master) {
      master = Tensor::allocate(DType::f32, own.shape(), ctx.device());
      convert(ctx_, master, own);
    }
    weights_.push_back({.spec = spec,
                        .parameter = own,
                        .master = master,
                        .gradient = gradient,
                        .first = zero_moment(own.shape(), ctx.device(), options),
                        .second = zero_moment(own.shape(), ctx.device(), options),
                        .decays = weight_decays(spec.name),
                        .rate_factor = layer_rate_factor(spec, config, options.layer_decay)});
  });
}

std::size_t Optimizer::bytes() const {
  std::size_t sum = 0;
  for (const TrainedWeight& weight : weights_) {
    sum += weight.gradient.bytes();
    if (weight.master && weight.master.dtype() != weight.parameter.dtype()) sum += weight.master.bytes();
    for (const auto& [prefix, tensor] : moment_tensors(weight)) sum += tensor.bytes();
  }
  return sum;
}

double Optimizer::gradient_norm() const {
  std::vector<Tensor> gradients;
  for (const TrainedWeight& weight : weights_) gradients.push_back(weight.gradient);
  return std::sqrt(sum_of_squares(ctx_, gradients));
}

void Optimizer::step(double learning_rate, double norm) {
  // torch.nn.utils.clip_grad_norm_: the factor is max / (norm + 1e-6), at most 1.
  const double clip =
      options_.max_gradient_norm > 0 ? std::min(1.0, options_.max_gradient_norm / (norm + 1e-6)) : 1.0;
  ++steps_done_;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const TrainedWeight& weight = weights_[i];
    const AdamWOptions step = {.learning_rate = learning_rate * weight.rate_factor,
                               .beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .eps = options_.eps,
                               .weight_decay = weight.decays ? options_.weight_decay : 0.0,
                               .step = steps_done_,
                               .gradient_scale = clip,
                               .seed = options_.seed,
                               .weight = static_cast<std::uint32_t>(i)};
    if (weight.first.plain) {
      adamw_step(ctx_, weight.parameter, weight.master, weight.first.plain, weight.second.plain,
                 weight.gradient, step);
    } else {
      adamw8_step(ctx_, weight.parameter, weight.master, weight.first.coded, weight.second.coded,
                  weight.gradient, step);
    }
    fill(ctx_, weight.gradient, 0.0f);
  }
}

std::vector<std::pair<std::string, Tensor>> Optimizer::trained() const {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const TrainedWeight& weight : weights_) {
    tensors.emplace_back(weight.spec.name, weight.exact().to(Device{}).view(weight.spec.shape));
  }
  return tensors;
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const TrainedWeight& weight : weights_) {
    for (const auto& [prefix, tensor] : moment_tensors(weight))
      tensors.emplace_back(prefix + weight.spec.name, tensor.to(Device{}));
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
    take(weight.exact(), weight.spec.name);
    for (const auto& [prefix, tensor] : moment_tensors(weight)) take(tensor, prefix + weight.spec.name);
    if (weight.parameter.raw() != weight.exact().raw()) convert(ctx_, weight.parameter, weight.exact());
  }
  steps_done_ = steps_done;
}

}  // namespace artemis

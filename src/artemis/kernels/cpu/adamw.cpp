#include <cmath>
#include <vector>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// The step's constants, as torch's single-tensor AdamW forms them in double.
struct Step {
  float decay;       // 1 - rate * weight_decay
  float beta1_rest;  // 1 - beta1
  float beta2;
  float beta2_rest;   // 1 - beta2
  float step_size;    // rate / (1 - beta1^t)
  float root_second;  // sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

Step constants(const AdamWOptions& options) {
  const auto t = static_cast<double>(options.step);
  return {.decay = static_cast<float>(1.0 - options.learning_rate * options.weight_decay),
          .beta1_rest = static_cast<float>(1.0 - options.beta1),
          .beta2 = static_cast<float>(options.beta2),
          .beta2_rest = static_cast<float>(1.0 - options.beta2),
          .step_size = static_cast<float>(options.learning_rate / (1.0 - std::pow(options.beta1, t))),
          .root_second = static_cast<float>(std::sqrt(1.0 - std::pow(options.beta2, t))),
          .eps = static_cast<float>(options.eps),
          .gradient_scale = static_cast<float>(options.gradient_scale)};
}

ARTEMIS_VECTORISED void update(float* master, float* first, float* second, const float* gradient,
                               std::int64_t count, const Step& step) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    first[i] = first[i] + step.beta1_rest * (g - first[i]);
    second[i] = step.beta2 * second[i] + step.beta2_rest * g * g;
    const float denominator = std::sqrt(second[i]) / step.root_second + step.eps;
    master[i] = master[i] * step.decay - step.step_size * first[i] / denominator;
  }
}

ARTEMIS_VECTORISED void round_to(bfloat16* parameter, const float* master, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) parameter[i] = bfloat16(master[i]);
}

ARTEMIS_VECTORISED double squares(const float* x, std::int64_t count) {
  double partial[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::int64_t lane = 0; lane < 8; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      partial[lane] += value * value;
    }
  }
  double sum = 0;
  for (double value : partial) sum += value;
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  const Step step = constants(options);
  ctx.pool().ranges(master.count(), piece_elements, [&](std::int64_t begin, std::int64_t end) {
    float* values = master.mutable_data<float>() + begin;
    update(values, first.mutable_data<float>() + begin, second.mutable_data<float>() + begin,
           gradient.data<float>() + begin, end - begin, step);
    if (parameter.dtype() == DType::bf16)
      round_to(parameter.mutable_data<bfloat16>() + begin, values, end - begin);
    if (parameter.dtype() == DType::f32 && parameter.raw() != master.raw()) {
      std::copy(values, values + (end - begin), parameter.mutable_data<float>() + begin);
    }
  });
}

double sum_of_squares(Context& ctx, const Tensor& x) {
  std::vector<double> sums(static_cast<std::size_t>((x.count() + piece_elements - 1) / piece_elements));
  ctx.pool().ranges(x.count(), piece_elements, [&](std::int64_t begin, std::int64_t end) {
    sums[static_cast<std::size_t>(begin / piece_elements)] = squares(x.data<float>() + begin, end - begin);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace artemis::cpu

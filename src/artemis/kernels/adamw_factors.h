// What a step of AdamW needs beside its tensors, on every back end.
#pragma once

#include <cmath>

#include "artemis/core/philox.h"
#include "artemis/kernels/adamw.h"

namespace artemis {

// The step's constants, as torch's single-tensor AdamW forms them in double.
struct AdamWFactors {
  float decay;       // 1 - rate * weight_decay
  float beta1_rest;  // 1 - beta1
  float beta2;
  float beta2_rest;   // 1 - beta2
  float step_size;    // rate / (1 - beta1^t)
  float root_second;  // sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

inline AdamWFactors adamw_factors(const AdamWOptions& options) {
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

// The random bits of stochastic rounding.
struct RoundingNoise {
  std::array<std::uint32_t, 2> key;
  std::uint32_t step;
  std::uint32_t weight;

  // 16 bits each for the elements from 8 * group on: two in a number, the lower half first.
  constexpr std::array<std::uint32_t, 4> of_eight(std::uint64_t group) const {
    return philox4x32(
        {static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> 32), step, weight}, key);
  }
};

constexpr std::int64_t noise_group = 8;

inline RoundingNoise rounding_noise(const AdamWOptions& options) {
  return {.key = {static_cast<std::uint32_t>(options.seed), static_cast<std::uint32_t>(options.seed >> 32)},
          .step = static_cast<std::uint32_t>(options.step),
          .weight = options.weight};
}

}  // namespace artemis

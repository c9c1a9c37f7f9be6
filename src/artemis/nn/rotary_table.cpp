#include "artemis/nn/rotary_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "artemis/kernels/rotary.h"

namespace artemis {
namespace {

// Frequencies below the low bound are divided by factor, those above the high bound kept, those between
// blended.
float llama3_frequency(float frequency, const RopeConfig& config) {
  const float wavelength = 2.0f * std::numbers::pi_v<float> / frequency;
  const float low_wavelength = config.original_max_position / config.low_freq_factor;
  const float high_wavelength = config.original_max_position / config.high_freq_factor;
  if (wavelength > low_wavelength) return frequency / config.factor;
  if (wavelength < high_wavelength) return frequency;
  const float smooth = (config.original_max_position / wavelength - config.low_freq_factor) /
                       (config.high_freq_factor - config.low_freq_factor);
  return (1.0f - smooth) * frequency / config.factor + smooth * frequency;
}

// The pair that turns `rotations` times within the original context (Peng et al. 2023, YaRN).
double yarn_pair(double rotations, const RopeConfig& config, double rotary_dim) {
  return rotary_dim * std::log(config.original_max_position / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(config.theta));
}

void apply_yarn(std::vector<float>& frequencies, const RopeConfig& config) {
  const double rotary_dim = 2.0 * static_cast<double>(frequencies.size());
  const double low = std::max(std::floor(yarn_pair(config.beta_fast, config, rotary_dim)), 0.0);
  double high = std::min(std::ceil(yarn_pair(config.beta_slow, config, rotary_dim)), rotary_dim - 1.0);
  if (high <= low) high = low + 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const auto ramp = static_cast<float>(std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0));
    frequencies[i] = frequencies[i] / config.factor * ramp + frequencies[i] * (1.0f - ramp);
  }
}

}  // namespace

std::vector<float> inverse_frequencies(const RopeConfig& config, std::int64_t head_dim) {
  const auto rotary_dim = static_cast<std::int64_t>(static_cast<float>(head_dim) * config.partial_factor);
  std::vector<float> frequencies(static_cast<std::size_t>(rotary_dim / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotary_dim);
    frequencies[i] = 1.0f / std::pow(config.theta, exponent);
  }
  switch (config.scaling) {
    case RopeConfig::Scaling::none:
      break;
    case RopeConfig::Scaling::linear:
      for (float& frequency : frequencies) frequency /= config.factor;
      break;
    case RopeConfig::Scaling::llama3:
      for (float& frequency : frequencies) frequency = llama3_frequency(frequency, config);
      break;
    case RopeConfig::Scaling::yarn:
      apply_yarn(frequencies, config);
      break;
  }
  return frequencies;
}

RotaryTable rotary_table(Context& ctx, const Tensor& positions, const Tensor& frequencies,
                         float attention_factor) {
  const Shape shape{positions.dim(0), positions.dim(1) * frequencies.dim(0)};
  const RotaryTable table{.cos = ctx.allocate(DType::f32, shape), .sin = ctx.allocate(DType::f32, shape)};
  rotary_angles(ctx, table.cos, table.sin, positions, frequencies, attention_factor);
  return table;
}

RotaryTable rotary_table_2d(Context& ctx, std::span<const std::array<std::int32_t, 2>> coordinates,
                            std::int64_t head_dim, float theta) {
  const std::vector<float> frequencies = inverse_frequencies(RopeConfig{.theta = theta}, head_dim / 4 * 2);
  const auto patches = static_cast<std::int64_t>(coordinates.size());
  return rotary_table(ctx, ctx.upload(DType::i32, {patches, 2}, coordinates.data()),
                      ctx.upload(DType::f32, {head_dim / 4}, frequencies.data()), 1.0f);
}

}  // namespace artemis

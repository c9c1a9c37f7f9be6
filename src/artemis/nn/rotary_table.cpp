#include "artemis/nn/rotary_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

RotaryTable rotary_table(Context& ctx, std::span<const std::int32_t> positions,
                         std::span<const float> frequencies, float attention_factor) {
  const Shape shape{static_cast<std::int64_t>(positions.size()),
                    static_cast<std::int64_t>(frequencies.size())};
  std::vector<float> cos(positions.size() * frequencies.size());
  std::vector<float> sin(cos.size());
  const auto tokens = static_cast<std::int64_t>(positions.size());
  ctx.pool().ranges(tokens, 64, [&](std::int64_t begin, std::int64_t end) {
    for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
      for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const float angle = static_cast<float>(positions[t]) * frequencies[i];
        cos[t * frequencies.size() + i] = std::cos(angle) * attention_factor;
        sin[t * frequencies.size() + i] = std::sin(angle) * attention_factor;
      }
    }
  });
  return {ctx.upload(DType::f32, shape, cos.data()), ctx.upload(DType::f32, shape, sin.data())};
}

RotaryTable rotary_table_2d(Context& ctx, std::span<const std::array<std::int32_t, 2>> coordinates,
                            std::int64_t head_dim, float theta) {
  const auto axis_pairs = static_cast<std::size_t>(head_dim / 4);
  const std::vector<float> frequencies =
      inverse_frequencies(RopeConfig{.theta = theta}, static_cast<std::int64_t>(2 * axis_pairs));
  const Shape shape{static_cast<std::int64_t>(coordinates.size()), static_cast<std::int64_t>(2 * axis_pairs)};
  std::vector<float> cos;
  std::vector<float> sin;
  cos.reserve(static_cast<std::size_t>(shape.count()));
  sin.reserve(static_cast<std::size_t>(shape.count()));
  for (const auto& coordinate : coordinates) {
    for (const std::int32_t along_axis : coordinate) {
      for (std::size_t i = 0; i < axis_pairs; ++i) {
        const float angle = static_cast<float>(along_axis) * frequencies[i];
        cos.push_back(std::cos(angle));
        sin.push_back(std::sin(angle));
      }
    }
  }
  return {ctx.upload(DType::f32, shape, cos.data()), ctx.upload(DType::f32, shape, sin.data())};
}

}  // namespace artemis

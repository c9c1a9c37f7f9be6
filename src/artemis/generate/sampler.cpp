#include "artemis/generate/sampler.h"

#include <cmath>

#include "artemis/core/error.h"

namespace artemis {

SamplingOptions SamplingChanges::applied_to(const SamplingOptions& defaults) const {
  SamplingOptions options = defaults;
  options.temperature = temperature.value_or(defaults.temperature);
  options.top_k = top_k.value_or(defaults.top_k);
  options.top_p = top_p.value_or(defaults.top_p);
  options.min_p = min_p.value_or(defaults.min_p);
  options.repetition_penalty = repetition_penalty.value_or(defaults.repetition_penalty);
  options.frequency_penalty = frequency_penalty.value_or(defaults.frequency_penalty);
  options.presence_penalty = presence_penalty.value_or(defaults.presence_penalty);
  return options;
}

void check_sampling_options(const SamplingOptions& options) {
  const auto check = [](bool holds, const char* name, double value, const char* expected) {
    if (!holds) throw UsageError(name, fmt::format("{} is not {}", value, expected));
  };
  check(options.temperature >= 0.0f && std::isfinite(options.temperature), "temperature",
        static_cast<double>(options.temperature), "a number from 0 on");
  check(options.top_k >= 0, "top-k", static_cast<double>(options.top_k), "a count from 0 on");
  check(options.top_p > 0.0f && options.top_p <= 1.0f, "top-p", static_cast<double>(options.top_p),
        "in (0, 1]");
  check(options.min_p >= 0.0f && options.min_p <= 1.0f, "min-p", static_cast<double>(options.min_p),
        "in [0, 1]");
  check(options.repetition_penalty > 0.0f && std::isfinite(options.repetition_penalty), "repetition-penalty",
        static_cast<double>(options.repetition_penalty), "a positive number");
  check(std::isfinite(options.frequency_penalty), "frequency-penalty",
        static_cast<double>(options.frequency_penalty), "a finite number");
  check(std::isfinite(options.presence_penalty), "presence-penalty",
        static_cast<double>(options.presence_penalty), "a finite number");
}

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  check_sampling_options(options);
  // Divided by less, logits would become infinite, and so equal.
  constexpr float least_temperature = 1e-5f;
  if (options_.temperature < least_temperature) options_.temperature = 0.0f;
}

RowSampling Sampler::draw(std::int64_t ahead) const {
  Random random = random_;
  for (std::int64_t i = 0; i < ahead; ++i) random.uniform_double();
  return {.temperature = options_.temperature,
          .top_k = options_.top_k,
          .top_p = options_.top_p,
          .min_p = options_.min_p,
          .uniform = random.uniform_double()};
}

void Sampler::advance() { random_.uniform_double(); }

}  // namespace artemis

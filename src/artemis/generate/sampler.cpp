#include "artemis/generate/sampler.h"

#include <algorithm>
#include <cmath>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::int32_t argmax(std::span<const float> logits) {
  std::size_t best = logits.size();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i]) && (best == logits.size() || logits[i] > logits[best])) best = i;
  }
  require(best < logits.size(), "sampler", "none of the {} logits is a number", logits.size());
  return static_cast<std::int32_t>(best);
}

}  // namespace

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
}

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  check_sampling_options(options);
}

void Sampler::penalise(std::span<float> logits, std::span<const std::int32_t> history) {
  seen_.assign(logits.size(), 0);
  for (const std::int32_t id : history) {
    const auto i = static_cast<std::size_t>(id);
    if (i >= logits.size() || seen_[i] != 0) continue;
    seen_[i] = 1;
    logits[i] =
        logits[i] > 0 ? logits[i] / options_.repetition_penalty : logits[i] * options_.repetition_penalty;
  }
}

// Fills candidates_ in falling order and probabilities_ with their (unnormalised) weights; returns how many
// are kept.
std::size_t Sampler::filter(std::span<const float> logits) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i]))
      candidates_.push_back({logits[i] / options_.temperature, static_cast<std::int32_t>(i)});
  }
  require(!candidates_.empty(), "sampler", "none of the {} logits is a number", logits.size());
  const auto falling = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < candidates_.size()) {
    const auto end = candidates_.begin() + options_.top_k;
    std::partial_sort(candidates_.begin(), end, candidates_.end(), falling);
    candidates_.erase(end, candidates_.end());
  } else {
    std::sort(candidates_.begin(), candidates_.end(), falling);
  }
  probabilities_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    probabilities_.push_back(std::exp(static_cast<double>(candidate.logit - candidates_.front().logit)));
    total += probabilities_.back();
  }
  // top-p keeps the most likely tokens until their share reaches p, the one that reaches it included.
  std::size_t kept = candidates_.size();
  if (options_.top_p < 1.0f) {
    double share = 0;
    for (kept = 0; kept < candidates_.size() && share < static_cast<double>(options_.top_p) * total; ++kept) {
      share += probabilities_[kept];
    }
  }
  while (kept > 1 && probabilities_[kept - 1] < static_cast<double>(options_.min_p)) --kept;
  return std::max<std::size_t>(kept, 1);
}

std::int32_t Sampler::next(std::span<float> logits, std::span<const std::int32_t> history) {
  if (options_.repetition_penalty != 1.0f) penalise(logits, history);
  if (options_.temperature == 0.0f) return argmax(logits);
  const std::size_t kept = filter(logits);
  double total = 0;
  for (std::size_t i = 0; i < kept; ++i) total += probabilities_[i];
  double point = random_.uniform_double() * total;
  for (std::size_t i = 0; i + 1 < kept; ++i) {
    point -= probabilities_[i];
    if (point < 0) return candidates_[i].id;
  }
  return candidates_[kept - 1].id;
}

}  // namespace artemis

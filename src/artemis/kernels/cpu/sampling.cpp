#include "artemis/kernels/sampling.h"

#include <cmath>

#include <algorithm>
#include <vector>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/sampling_weight.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

struct Candidate {
  float logit;
  std::int32_t id;
};

// Those that are numbers, in falling order, and of these the first `most` (0: all).
std::vector<Candidate> candidates_of(std::span<const float> logits, std::size_t most) {
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i])) candidates.push_back({logits[i], static_cast<std::int32_t>(i)});
  }
  const auto falling = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  if (most > 0 && most < candidates.size()) {
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(most);
    std::partial_sort(candidates.begin(), end, candidates.end(), falling);
    candidates.erase(end, candidates.end());
  } else {
    std::ranges::sort(candidates, falling);
  }
  return candidates;
}

// The weight of the candidates that top-p and min-p keep: the most likely ones until their share reaches p,
// the one that reaches it included, and none that is less than min-p as likely as the first.
std::uint64_t kept_weight(std::span<const Candidate> candidates, std::span<const std::uint64_t> weights,
                          const RowSampling& how) {
  std::uint64_t total = 0;
  for (const std::uint64_t weight : weights) total += weight;
  const std::uint64_t enough = share_of_weight(how.top_p, total);
  const float lowest = candidates[0].logit - farthest_below(how.min_p);
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i < candidates.size() && kept < enough; ++i) {
    if (candidates[i].logit < lowest) break;
    kept += weights[i];
  }
  return kept;
}

std::int32_t sample_row(std::span<float> logits, const RowSampling& how) {
  const bool greedy = how.temperature == 0.0f;
  if (!greedy) {
    for (float& logit : logits) logit /= how.temperature;
  }
  const std::vector<Candidate> candidates =
      candidates_of(logits, greedy ? 1 : static_cast<std::size_t>(how.top_k));
  if (candidates.empty()) return -1;
  std::vector<std::uint64_t> weights;
  weights.reserve(candidates.size());
  for (const Candidate& candidate : candidates)
    weights.push_back(sampling_weight(candidates[0].logit, candidate.logit));
  std::uint64_t left = point_in_weight(how.uniform, kept_weight(candidates, weights, how));
  std::size_t i = 0;
  for (; left >= weights[i]; ++i) left -= weights[i];
  return candidates[i].id;
}

}  // namespace

void sample_rows(Context& ctx, const Tensor& ids, const Tensor& logits, std::span<const RowSampling> rows) {
  const auto width = static_cast<std::size_t>(logits.dim(1));
  ctx.pool().run(logits.dim(0), [&](std::int64_t i) {
    const RowSampling& how = rows[static_cast<std::size_t>(i)];
    ids.mutable_data<std::int32_t>()[i] = sample_row(std::span(mutable_row<float>(logits, i), width), how);
  });
}

}  // namespace artemis::cpu

#include "artemis/generate/probabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace artemis {

AnswerToken probabilities_of(std::span<const float> logits, std::int32_t drawn, std::int64_t count) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const float logit : logits) largest = std::max(largest, logit);  // passes NaN over
  double sum = 0;
  for (const float logit : logits) {
    if (!std::isnan(logit)) sum += std::exp(static_cast<double>(logit - largest));
  }
  const double denominator = static_cast<double>(largest) + std::log(sum);
  const auto logprob = [&](std::int32_t id) {
    const auto logit = static_cast<double>(logits[static_cast<std::size_t>(id)]);
    return TokenLogprob{id, static_cast<float>(logit - denominator)};
  };
  AnswerToken token{.drawn = logprob(drawn), .top = {}};
  std::vector<std::int32_t> order;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!std::isnan(logits[id])) order.push_back(static_cast<std::int32_t>(id));
  }
  const auto end = order.begin() + std::min<std::int64_t>(count, std::ssize(order));
  std::partial_sort(order.begin(), end, order.end(), [&](std::int32_t a, std::int32_t b) {
    const float left = logits[static_cast<std::size_t>(a)];
    const float right = logits[static_cast<std::size_t>(b)];
    return left != right ? left > right : a < b;
  });
  for (auto id = order.begin(); id != end; ++id) token.top.push_back(logprob(*id));
  return token;
}

}  // namespace artemis

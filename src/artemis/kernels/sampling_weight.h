// The weights behind sample_rows(), on every back end. They are whole numbers: a sum of them is the same in
// any order, and each step here is one rounding or none, so that no compiler can make another number of it.
#pragma once

#include <cmath>
#include <cstdint>

namespace artemis {

constexpr int sampling_weight_bits = 40;
constexpr std::int64_t most_sampling_logits = std::int64_t{1} << 22;

// 2^40 exp(-below), for `below` >= 0 that may be infinite; within a part in 2^29, and rounded down.
// exp(-below) = 2^-n exp(-y) with y in [0, log 2), whose series is nested from its twelfth term on in units
// of 2^-32.
constexpr std::uint64_t sampling_weight(float below) {
  if (!(below < 28.0f)) return 0;
  const auto halvings =
      static_cast<std::uint64_t>(static_cast<double>(below) * (0x1.71547652b82fep0 * 0x1p32));
  constexpr auto log_2 = static_cast<std::uint64_t>(0x1.62e42fefa39efp-1 * 0x1p32);
  const std::uint64_t y = (halvings & 0xffffffffu) * log_2 >> 32;
  constexpr std::uint64_t one = std::uint64_t{1} << 32;
  std::uint64_t sum = one;
  for (std::uint32_t term = 12; term > 0; --term)
    sum = one - static_cast<std::uint32_t>(y * sum >> 32) / term;
  return sum << (sampling_weight_bits - 32) >> (halvings >> 32);
}

// The weight of an element of a row with this largest one.
constexpr std::uint64_t sampling_weight(float largest, float element) {
  return sampling_weight(element == largest ? 0.0f : largest - element);
}

// How far below the largest logit lies one that is min_p in [0, 1] as likely.
inline float farthest_below(float min_p) { return static_cast<float>(-std::log(static_cast<double>(min_p))); }

// The least whole weight that is a share p in (0, 1] of the total.
constexpr std::uint64_t share_of_weight(float p, std::uint64_t total) {
  if (!(p < 1.0f)) return total;
  const double share = static_cast<double>(p) * static_cast<double>(total);
  auto whole = static_cast<std::uint64_t>(share);
  if (static_cast<double>(whole) < share) ++whole;
  return whole < total ? whole : total;
}

// The point of [0, total) that `uniform` in [0, 1) stands for; total > 0.
constexpr std::uint64_t point_in_weight(double uniform, std::uint64_t total) {
  const auto point = static_cast<std::uint64_t>(uniform * static_cast<double>(total));
  return point < total ? point : total - 1;
}

}  // namespace artemis

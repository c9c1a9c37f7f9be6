// Sums and maxima of a row, sixteen running values at a time: one order whatever the processor's vectors, the
// threads and the alignment, and wide enough for all of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace artemis::cpu {

constexpr std::int64_t lane_count = 16;
using Lanes = float __attribute__((vector_size(lane_count * sizeof(float))));

// Calls body(lanes) for term(i), i in [0, count), sixteen at a time; the last are filled up with `filler`.
// The terms pass through a small array, so that the loop that computes them vectorises for any type of
// elements.
template <typename Term, typename Body>
inline void for_lanes(std::int64_t count, float filler, const Term& term, const Body& body) {
  constexpr std::int64_t block = 256;
  float values[block];
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t size = std::min(block, count - begin);
    for (std::int64_t i = 0; i < size; ++i) values[i] = term(begin + i);
    const std::int64_t filled = (size + lane_count - 1) / lane_count * lane_count;
    for (std::int64_t i = size; i < filled; ++i) values[i] = filler;
    for (std::int64_t i = 0; i < filled; i += lane_count) {
      Lanes lanes;
      std::memcpy(&lanes, values + i, sizeof(lanes));
      body(lanes);
    }
  }
}

template <typename Term>
inline float sum_in_lanes(std::int64_t count, const Term& term) {
  Lanes partial{};
  for_lanes(count, 0.0f, term, [&](const Lanes& lanes) { partial += lanes; });
  float sum = 0;
  for (std::int64_t lane = 0; lane < lane_count; ++lane) sum += partial[lane];
  return sum;
}

// A NaN is passed over; -inf for no terms.
template <typename Term>
inline float maximum_in_lanes(std::int64_t count, const Term& term) {
  Lanes largest = Lanes{} - INFINITY;
  for_lanes(count, -INFINITY, term, [&](const Lanes& lanes) { largest = lanes > largest ? lanes : largest; });
  float maximum = -INFINITY;
  for (std::int64_t lane = 0; lane < lane_count; ++lane) maximum = std::max(maximum, largest[lane]);
  return maximum;
}

}  // namespace artemis::cpu

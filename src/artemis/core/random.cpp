#include "artemis/core/random.h"

#include <cmath>
#include <numbers>

namespace artemis {

std::uint32_t Random::next_u32() {
  const std::uint64_t block = position_ / 4;
  if (block != block_) {
    block_ = block;
    numbers_ = philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                           static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                          {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
  }
  return numbers_[position_++ % 4];
}

std::uint64_t Random::next_u64() {
  const std::uint64_t low = next_u32();
  return low | (static_cast<std::uint64_t>(next_u32()) << 32);
}

float Random::uniform() { return static_cast<float>(next_u32() >> 8) * 0x1p-24f; }

double Random::uniform_double() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t limit = (~std::uint64_t{0} / bound) * bound;
  for (;;) {
    const std::uint64_t value = next_u64();
    if (value < limit) return value % bound;
  }
}

float Random::normal() {
  const double u = 1.0 - uniform_double();
  const double v = uniform_double();
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

}  // namespace artemis

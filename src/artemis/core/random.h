// Random numbers that are the same on every machine: a function of (seed, stream, position), so that their
// whole state is two numbers.
#pragma once

#include "artemis/core/philox.h"

namespace artemis {

class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  // Uniform in [0, 1), with 24 random bits.
  float uniform();
  // Uniform in [0, 1), with 53 random bits.
  double uniform_double();
  // Uniform in [0, bound), without bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Standard normal (Box-Muller).
  float normal();

  // Numbers of 32 bits drawn so far; restoring it resumes the sequence exactly.
  std::uint64_t position() const { return position_; }
  void set_position(std::uint64_t position) { position_ = position; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::uint64_t block_ = ~std::uint64_t{0};  // that numbers_ holds
  std::array<std::uint32_t, 4> numbers_{};
};

}  // namespace artemis

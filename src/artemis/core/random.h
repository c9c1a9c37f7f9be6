// Random numbers that are the same on every machine: Philox 4x32-10 (Salmon et al., "Parallel random numbers:
// as easy as 1, 2, 3", 2011), a function of (seed, stream, position), so that its whole state is two numbers.
#pragma once

#include <array>
#include <cstdint>

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
};

// The block of four numbers at `counter` under `key`.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

}  // namespace artemis

// The even numbers behind fill_normal(), on every back end.
#pragma once

#include "artemis/core/philox.h"

namespace artemis {

constexpr std::int64_t normal_group = 4;

// A group of four elements: two radii's numbers in (0, 1] and two angles' in [0, 1), with 24 bits each.
struct NormalUniforms {
  float radius[2];
  float angle[2];
};

constexpr NormalUniforms normal_uniforms(std::uint64_t seed, std::uint64_t stream, std::uint64_t group) {
  const std::array<std::uint32_t, 4> bits =
      philox4x32({static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> 32),
                  static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                 {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return {
      {static_cast<float>((bits[0] >> 8) + 1) * 0x1p-24f, static_cast<float>((bits[2] >> 8) + 1) * 0x1p-24f},
      {static_cast<float>(bits[1] >> 8) * 0x1p-24f, static_cast<float>(bits[3] >> 8) * 0x1p-24f}};
}

}  // namespace artemis

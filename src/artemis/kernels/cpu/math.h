// exp and what follows from it, without branches or calls, so that the compiler can run several at once.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace artemis::cpu {

// e^x within 2 units in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by a polynomial
// (coefficients of a Taylor series; the last term left out is under 2^-26), 2^n put into the exponent. 0
// below -86.9, infinite above 88.7.
inline float exp_f32(float x) {
  constexpr float log2_e = 1.44269504088896341f;
  constexpr float ln2_high = 0.693359375f;
  constexpr float ln2_low = -2.12194440e-4f;
  constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float limited = x < -86.9f ? -86.9f : (x > 88.7f ? 88.7f : x);
  const float shifted = limited * log2_e + rounder;
  const float n = shifted - rounder;
  const float r = (limited - n * ln2_high) - n * ln2_low;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const float half_scale = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 126u) << 23);
  const float value = p * half_scale * 2.0f;
  const float low = x < -86.9f ? 0.0f : value;
  return x > 88.72283f ? std::numeric_limits<float>::infinity() : low;
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

inline float tanh_f32(float x) { return 1.0f - 2.0f / (exp_f32(2.0f * x) + 1.0f); }

}  // namespace artemis::cpu

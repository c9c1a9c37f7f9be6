// exp, the sigmoid and erf in f32, without branches or calls, so that the compiler can run several at once.
// tests/kernels/activation_test.cpp holds the errors below against std:: in double over the whole range.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace artemis::cpu {

// e^x within 2 units in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor series (the
// first term left out is under 2^-27), 2^n put into the exponent. ln 2 is split in two, so that n ln 2 loses
// nothing (Cody & Waite, "Software Manual for the Elementary Functions", 1980). 0 where the result would not
// be normal (below -86.9), infinite above 88.72283.
inline float exp_f32(float x) {
  constexpr float lowest = -86.9f;
  constexpr float highest = 88.72283f;
  constexpr float log2_e = 1.44269504088896341f;
  constexpr float ln2_high = 0.693359375f;
  constexpr float ln2_low = -2.12194440e-4f;
  constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float limited = x < lowest ? lowest : (x > highest ? highest : x);
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
  const float low = x < lowest ? 0.0f : value;
  return x > highest ? std::numeric_limits<float>::infinity() : low;
}

// 1 / (1 + e^-x), within a few units in the last place on both sides, since nothing cancels.
inline float sigmoid(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

// The error function within 1e-7: x + x P(x^2) for |x| < 1, else 1 - e^Q(|x|), where Q is log erfc (1 to the
// last bit from |x| = 4 on). P and Q are our own least-maximum fits, of error 1.2e-9 and 1.0e-9.
inline float erf_f32(float x) {
  const float t = std::abs(x);
  const float s = x * x;
  float p = 7.88912300e-5f;
  p = p * s - 8.02084232e-4f;
  p = p * s + 5.18953546e-3f;
  p = p * s - 2.68544447e-2f;
  p = p * s + 1.12836002e-1f;
  p = p * s - 3.76126271e-1f;
  p = p * s + 1.28379166e-1f;
  const float u = t > 4.0f ? 4.0f : t;
  float q = 1.85574025e-4f;
  q = q * u - 2.93960745e-3f;
  q = q * u + 2.18053189e-2f;
  q = q * u - 1.03037370e-1f;
  q = q * u - 6.38225676e-1f;
  q = q * u - 1.12704004f;
  q = q * u - 3.53719310e-4f;
  const float far = std::copysign(1.0f - exp_f32(q), x);
  return t < 1.0f ? x + x * p : far;
}

}  // namespace artemis::cpu

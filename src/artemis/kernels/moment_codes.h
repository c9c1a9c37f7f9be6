// The code books of 8-bit moments: dynamic tree quantisation (Dettmers et al., "8-bit Optimizers via
// Block-wise Quantization", 2022, section 1.3 and 2.2) of values from -1 to 1 or from 0 to 1.
//
// A code is a run of e zero bits, a one, and the remaining bits, which divide [0.1, 1] into equal cells; it
// stands for the middle of its cell times 10^-e. The signed book spends one bit on the sign, the unsigned one
// spends that bit on cells. 0 and 1 have codes of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace artemis {

// Values that share a scale.
constexpr std::int64_t moment_block = 256;

struct MomentCodes {
  std::array<float, 256> values;  // in rising order
  std::array<float, 255> bounds;  // code c is the nearest to x when bounds[c - 1] < x <= bounds[c]
};

constexpr MomentCodes make_moment_codes(bool with_sign) {
  constexpr int exponents = 7;
  MomentCodes codes{};
  std::size_t count = 0;
  codes.values[count++] = 0.0f;
  codes.values[count++] = 1.0f;
  double scale = 1.0;
  for (int e = 0; e < exponents; ++e, scale /= 10.0) {
    const int cells = 1 << (exponents - 1 - e + (with_sign ? 0 : 1));
    for (int cell = 0; cell < cells; ++cell) {
      const auto value = static_cast<float>(scale * (0.1 + 0.9 * (cell + 0.5) / cells));
      codes.values[count++] = value;
      if (with_sign) codes.values[count++] = -value;
    }
  }
  std::ranges::sort(codes.values);
  for (std::size_t i = 0; i < codes.bounds.size(); ++i) {
    codes.bounds[i] = (codes.values[i] + codes.values[i + 1]) / 2;
  }
  // A running mean of squares that is not 0 never becomes 0: a step divides by its root.
  if (!with_sign) codes.bounds[0] = 0.0f;
  return codes;
}

inline constexpr MomentCodes signed_codes = make_moment_codes(true);
inline constexpr MomentCodes unsigned_codes = make_moment_codes(false);

// The code of x by halving; `bounds` of a book.
constexpr std::uint8_t moment_code(const float* bounds, float x) {
  unsigned code = 0;
  for (unsigned half = 128; half > 0; half /= 2) {
    code += x > bounds[code + half - 1] ? half : 0;
  }
  return static_cast<std::uint8_t>(code);
}

}  // namespace artemis

// The code books of 8-bit moments: dynamic tree quantisation (Dettmers et al., "8-bit Optimizers via
// Block-wise Quantization", 2022, section 1.3 and 2.2) of values from -1 to 1 or from 0 to 1.
//
// A code is a run of e zero bits, a one, and the remaining bits, which divide [0.1, 1] into equal cells; it
// stands for the middle of its cell times 10^-e. The signed book spends one bit on the sign, the unsigned one
// spends that bit on cells. 0 and 1 have codes of their own.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace artemis {

// Values that share a scale.
constexpr std::int64_t moment_block = 256;

// A bin holds the magnitudes that share their upper 16 bits; all under 2^-22 are in the first, 1 is in the
// last.
constexpr int bin_shift = 16;
constexpr std::int32_t first_bin = (127 - 22) << (23 - bin_shift);
constexpr std::int32_t moment_bins = (127 << (23 - bin_shift)) - first_bin + 1;

struct MomentCodes {
  std::array<float, 256> values;  // in rising order
  std::array<float, 256> bounds;  // code c is the nearest to x when bounds[c - 1] < x <= bounds[c]
  // The code of the least value in a bin. No bin reaches over two bounds, so the others have this code or the
  // next.
  std::array<std::int32_t, moment_bins> starts;
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
  for (std::size_t i = 0; i < 255; ++i) codes.bounds[i] = (codes.values[i] + codes.values[i + 1]) / 2;
  codes.bounds[255] = std::numeric_limits<float>::infinity();
  // A running mean of squares that is not 0 never becomes 0: a step divides by its root.
  if (!with_sign) codes.bounds[0] = 0.0f;
  std::uint32_t code = 0;
  for (std::int32_t bin = 0; bin < moment_bins; ++bin) {
    const float least = bin == 0 ? 0.0f : std::bit_cast<float>((first_bin + bin) << bin_shift);
    while (least > codes.bounds[code]) ++code;
    codes.starts[static_cast<std::size_t>(bin)] = static_cast<std::int32_t>(code);
  }
  return codes;
}

inline constexpr MomentCodes signed_codes = make_moment_codes(true);
inline constexpr MomentCodes unsigned_codes = make_moment_codes(false);

// The code of x, from -1 to 1; of a book without a sign from 0 to 1. Below 0 the codes mirror those above,
// but for the one of 1, which has no mirror image.
constexpr std::uint8_t moment_code(const MomentCodes& book, float x) {
  const auto bits = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
  // Without std::clamp and std::max: what they promise of their arguments nvcc turns into traps.
  const std::int32_t within = (bits >> bin_shift) - first_bin;
  const std::int32_t bin = within < 0 ? 0 : within < moment_bins ? within : moment_bins - 1;
  const std::int32_t start = book.starts.data()[bin];
  const std::int32_t code = start + ((x < 0 ? -x : x) > book.bounds.data()[start] ? 1 : 0);
  return static_cast<std::uint8_t>(x < 0 ? (code < 254 ? 254 - code : 0) : code);
}

}  // namespace artemis

// Element types of tensors, a property known at run time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace artemis {

enum class DType : std::uint8_t { f32, bf16, f16, i32, i64, u8 };

// Bytes of one element.
std::size_t dtype_size(DType dtype);

// "f32", "bf16", "f16", "i32", "i64" or "u8".
std::string_view dtype_name(DType dtype);

// The reverse of dtype_name; throws Error naming `where` for any other word.
DType parse_dtype(std::string_view name, std::string_view where);

inline bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16;
}

// The upper half of a float32; conversion from float rounds to nearest even, as PyTorch does.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  explicit bfloat16(float value) {
    const auto u = std::bit_cast<std::uint32_t>(value);
    if ((u & 0x7fffffffu) > 0x7f800000u) {
      bits = static_cast<std::uint16_t>((u >> 16) | 0x0040u);  // a quiet NaN stays a NaN
    } else {
      bits = static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
  }
  explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

// One of the two bfloat16 beside the value, with `noise` even from 0 to 65535 the nearer one more often, so
// that their mean is the value.
constexpr std::uint16_t bfloat16_bits_stochastic(std::uint32_t value_bits, std::uint32_t noise) {
  const bool finite = (value_bits & 0x7f800000u) != 0x7f800000u;
  return static_cast<std::uint16_t>((value_bits + (finite ? noise : 0u)) >> 16);
}

// IEEE 754 binary16.
struct float16 {
  std::uint16_t bits = 0;

  float16() = default;
  explicit float16(float value);
  explicit operator float() const;
};

template <typename T>
struct dtype_of;
template <>
struct dtype_of<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of<bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct dtype_of<float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct dtype_of<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct dtype_of<std::uint8_t> {
  static constexpr DType value = DType::u8;
};

}  // namespace artemis

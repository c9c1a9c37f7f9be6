#include "artemis/core/dtype.h"

#include <gtest/gtest.h>

#include <cmath>

#include "artemis/core/device.h"
#include "artemis/core/error.h"
#include "artemis/core/random.h"

namespace artemis {
namespace {

// The value of a 16-bit pattern, from its fields.
double value_of(std::uint16_t bits, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double mantissa = bits & ((1 << mantissa_bits) - 1);
  if (exponent == (1 << exponent_bits) - 1) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

template <typename Half>
void every_pattern_survives(int exponent_bits) {
  for (int bits = 0; bits < 65536; ++bits) {
    Half half;
    half.bits = static_cast<std::uint16_t>(bits);
    const float value = static_cast<float>(half);
    const double expected = value_of(half.bits, exponent_bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(Half(value)))) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), expected) << bits;
      ASSERT_EQ(Half(value).bits, half.bits) << bits;
    }
  }
}

TEST(DType, EveryBf16PatternSurvives) { every_pattern_survives<bfloat16>(8); }
TEST(DType, EveryF16PatternSurvives) { every_pattern_survives<float16>(5); }

// A float between two neighbours goes to the nearer one, from half-way to the even one.
template <typename Half>
void rounds_to_nearest_even(std::uint16_t last_finite) {
  Random random(1);
  for (std::uint32_t bits = 0; bits < last_finite; ++bits) {
    Half low, high;
    low.bits = static_cast<std::uint16_t>(bits);
    high.bits = static_cast<std::uint16_t>(bits + 1);
    const double a = static_cast<double>(static_cast<float>(low));
    const double b = static_cast<double>(static_cast<float>(high));
    const Half& even = bits % 2 == 0 ? low : high;
    ASSERT_EQ(Half(static_cast<float>((a + b) / 2)).bits, even.bits) << bits;
    const auto between = static_cast<float>(a + (b - a) * random.uniform_double());
    const double middle = (a + b) / 2;
    if (static_cast<double>(between) == middle) continue;
    ASSERT_EQ(Half(between).bits, static_cast<double>(between) < middle ? low.bits : high.bits) << bits;
    ASSERT_EQ(Half(-between).bits, Half(between).bits | 0x8000) << bits;
  }
}

TEST(DType, Bf16RoundsToNearestEven) { rounds_to_nearest_even<bfloat16>(0x7f7f); }
TEST(DType, F16RoundsToNearestEven) { rounds_to_nearest_even<float16>(0x7bff); }

TEST(DType, F16OverflowsToInfinity) {
  EXPECT_EQ(float16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(float16(-1e30f).bits, 0xfc00);
}

TEST(DType, NamesAndSizes) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::i32, DType::i64, DType::u8}) {
    EXPECT_EQ(parse_dtype(dtype_name(dtype), "test"), dtype);
  }
  EXPECT_EQ(dtype_size(DType::bf16), 2u);
  EXPECT_EQ(dtype_size(DType::i64), 8u);
  EXPECT_THROW(parse_dtype("float32", "test"), Error);
}

TEST(Device, NamesAreReadAndWritten) {
  EXPECT_EQ(device_name(parse_device("cpu")), "cpu");
  EXPECT_EQ(device_name(parse_device("cuda")), "cuda:0");
  EXPECT_EQ(device_name(parse_device("cuda:3")), "cuda:3");
  for (const char* bad : {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "CPU"}) {
    EXPECT_THROW(parse_device(bad), UsageError) << bad;
  }
}

}  // namespace
}  // namespace artemis

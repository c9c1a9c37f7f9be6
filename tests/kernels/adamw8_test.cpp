// AdamW with moments in 8 bits: the code books, one coding, and steps against f32 moments.
#include "artemis/kernels/adamw.h"
#include "artemis/kernels/moment_codes.h"
#include "reference.h"

namespace artemis::test {
namespace {

// The books as the paper draws them: 0, 1, and 254 values down to seven decades.
TEST(MomentCodes, Values) {
  const auto& with_sign = signed_codes.values;
  EXPECT_EQ(with_sign.front(), -static_cast<float>(0.1 + 0.9 * 63.5 / 64));
  EXPECT_EQ(with_sign.back(), 1.0f);
  EXPECT_EQ(with_sign[127], 0.0f);
  EXPECT_FLOAT_EQ(with_sign[128], 0.55e-6f);  // one cell in the lowest decade
  for (std::size_t i = 1; i < 128; ++i) EXPECT_EQ(with_sign[127 - i], -with_sign[127 + i]) << i;
  const auto& without_sign = unsigned_codes.values;
  EXPECT_EQ(without_sign.front(), 0.0f);
  EXPECT_EQ(without_sign.back(), 1.0f);
  EXPECT_FLOAT_EQ(without_sign[1], 0.325e-6f);  // two cells
  EXPECT_FLOAT_EQ(without_sign[2], 0.775e-6f);
  EXPECT_EQ(without_sign[254], static_cast<float>(0.1 + 0.9 * 127.5 / 128));
}

TEST(MomentCodes, TheNearestOfAll) {
  Random random(1);
  for (const MomentCodes* book : {&signed_codes, &unsigned_codes}) {
    const bool with_sign = book == &signed_codes;
    for (std::size_t i = 0; i < 256; ++i) EXPECT_EQ(moment_code(*book, book->values[i]), i);
    for (int i = 0; i < 20000; ++i) {
      const float size = std::pow(10.0f, -8.0f * random.uniform());
      const float x = with_sign && i % 2 == 0 ? -size : size;
      const float coded = book->values[moment_code(*book, x)];
      float nearest = INFINITY;
      for (const float value : book->values) {
        if (!with_sign && value == 0) continue;  // a positive value never becomes 0
        nearest = std::min(nearest, std::abs(value - x));
      }
      ASSERT_LE(std::abs(coded - x), nearest * (1 + 1e-5f) + 1e-12f) << x;
    }
  }
}

// At every bound and beside it, where the bins decide.
TEST(MomentCodes, AroundTheBounds) {
  for (const MomentCodes* book : {&signed_codes, &unsigned_codes}) {
    for (std::size_t code = book == &signed_codes ? 127 : 0; code < 255; ++code) {
      const float bound = book->bounds[code];
      EXPECT_EQ(moment_code(*book, bound), code);
      EXPECT_EQ(moment_code(*book, std::nextafter(bound, 2.0f)), code + 1);
      if (book == &signed_codes && code < 254) {
        EXPECT_EQ(moment_code(*book, std::nextafter(-bound, -2.0f)), 254 - code - 1);
      }
    }
  }
  EXPECT_EQ(moment_code(signed_codes, -1.0f), 0);
}

double bytes_per_value(const Moment8& moment) {
  return static_cast<double>(moment.codes.bytes() + moment.scales.bytes()) /
         static_cast<double>(moment.codes.count());
}

TEST(AdamW8, AByteAndASixtyFourthForEachValue) {
  EXPECT_EQ(bytes_per_value(zero_moment8({512, 128}, Device{})), 1.0 + 4.0 / 256);
}

// The first step starts from zeros: the weight is as with f32 moments, to the bit, and the moments are
// within half a cell of the code book, which is 0.9 / 64 / 2 of the block's largest at most.
TEST(AdamW8, FirstStep) {
  Context ctx(Device{}, 2);
  Random random(2);
  const Shape shape{1000};  // the last block is short
  const Tensor plain = random_tensor(ctx, DType::f32, shape, random);
  const Tensor coded = Tensor::allocate(DType::f32, shape);
  copy(coded, plain);
  const Tensor gradient = random_tensor(ctx, DType::f32, shape, random);
  const Tensor first = Tensor::zeros(DType::f32, shape);
  const Tensor second = Tensor::zeros(DType::f32, shape);
  const Moment8 first8 = zero_moment8(shape, Device{});
  const Moment8 second8 = zero_moment8(shape, Device{});
  const AdamWOptions options{.learning_rate = 0.1, .weight_decay = 0.1};
  adamw_step(ctx, plain, plain, first, second, gradient, options);
  adamw8_step(ctx, coded, coded, first8, second8, gradient, options);
  EXPECT_EQ(values_of(ctx, coded), values_of(ctx, plain));
  const auto compare = [](const Tensor& exact, const Moment8& moment, const MomentCodes& book) {
    const auto values = exact.values<float>();
    const auto codes = moment.codes.values<std::uint8_t>();
    const auto scales = moment.scales.values<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float scale = scales[i / moment_block];
      const float decoded = scale * book.values[codes[i]];
      ASSERT_LE(std::abs(values[i]), scale);
      ASSERT_LE(std::abs(decoded - values[i]), 0.9f / 128 * scale * (1 + 1e-5f)) << i;
      ASSERT_EQ(decoded > 0, values[i] > 0) << i;
    }
  };
  compare(first, first8, signed_codes);
  compare(second, second8, unsigned_codes);
}

// f(x) = sum c_i (x_i - 1)^2 / 2 with curvatures over two decades: after 300 steps with a falling rate the
// objective with 8-bit moments is under 1e-4 of where it began, as with f32 moments, and on the way never
// further from theirs than 1 % of that.
TEST(AdamW8, AQuadratic) {
  Context ctx(Device{}, 2);
  const Shape shape{8192};
  const auto run = [&](bool eight_bits) {
    Random random(3);
    const Tensor x = random_tensor(ctx, DType::f32, shape, random);
    std::vector<float> curvature(8192);
    for (float& c : curvature) c = std::pow(10.0f, 2 * random.uniform() - 1);
    const Tensor gradient = Tensor::allocate(DType::f32, shape);
    const Tensor first = Tensor::zeros(DType::f32, shape);
    const Tensor second = Tensor::zeros(DType::f32, shape);
    const Moment8 first8 = zero_moment8(shape, Device{});
    const Moment8 second8 = zero_moment8(shape, Device{});
    std::vector<double> objective;
    for (std::int64_t step = 1; step <= 300; ++step) {
      const auto values = x.values<float>();
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float offset = values[i] - 1;
        gradient.mutable_values<float>()[i] = curvature[i] * offset;
        sum += static_cast<double>(curvature[i] * offset * offset) / 2;
      }
      objective.push_back(sum);
      const AdamWOptions options{.learning_rate = 0.05 * (1 - static_cast<double>(step - 1) / 300),
                                 .step = step};
      if (eight_bits) {
        adamw8_step(ctx, x, x, first8, second8, gradient, options);
      } else {
        adamw_step(ctx, x, x, first, second, gradient, options);
      }
    }
    return objective;
  };
  const auto plain = run(false);
  const auto coded = run(true);
  EXPECT_LE(plain.back(), 1e-4 * plain.front());
  EXPECT_LE(coded.back(), 1e-4 * coded.front());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(coded[i], plain[i], 0.01 * plain[0]) << i;
}

// A value whose gradients stop, beside one a million times as large: its second moment does not fall to 0
// under a first moment that has not, which would throw the weight far away.
TEST(AdamW8, ASmallValueBesideALargeOneStaysInPlace) {
  Context ctx(Device{}, 1);
  const Tensor x = Tensor::zeros(DType::f32, {256});
  const Moment8 first = zero_moment8({256}, Device{});
  const Moment8 second = zero_moment8({256}, Device{});
  const Tensor gradient = Tensor::zeros(DType::f32, {256});
  for (std::int64_t step = 1; step <= 100; ++step) {
    gradient.mutable_values<float>()[0] = 1.0f;
    gradient.mutable_values<float>()[1] = step < 10 ? 1e-5f : 0.0f;
    adamw8_step(ctx, x, x, first, second, gradient, {.learning_rate = 1e-3, .step = step});
  }
  EXPECT_LE(std::abs(x.values<float>()[1]), 0.1f);
}

TEST(AdamW8, TheSameBitsAtAnyThreadCountAndInBf16) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    expect_same_at_any_thread_count([&](Context& ctx) {
      Random random(9);
      const Shape shape{70000};
      const Tensor parameter = random_tensor(ctx, dtype, shape, random);
      const Tensor master = dtype == DType::f32 ? parameter : Tensor();
      const Moment8 first = zero_moment8(shape, Device{});
      const Moment8 second = zero_moment8(shape, Device{});
      for (std::int64_t step = 1; step <= 3; ++step) {
        adamw8_step(ctx, parameter, master, first, second, random_tensor(ctx, DType::f32, shape, random),
                    {.learning_rate = 0.1, .weight_decay = 0.1, .step = step});
      }
      return values_of(ctx, parameter);
    });
  }
}

TEST(AdamW8, RefusesMomentsOfOtherShapes) {
  Context ctx(Device{}, 1);
  const Tensor a = Tensor::zeros(DType::f32, {300});
  const Moment8 fits = zero_moment8({300}, Device{});
  const Moment8 short_scales{fits.codes, Tensor::zeros(DType::f32, {1})};
  const Moment8 others = zero_moment8({299}, Device{});
  EXPECT_EQ(error_of([&] { adamw8_step(ctx, a, a, fits, others, a, {}); }),
            "[adamw8] second.codes has shape (299), expected (300)");
  EXPECT_EQ(error_of([&] { adamw8_step(ctx, a, a, short_scales, fits, a, {}); }),
            "[adamw8] first.scales has shape (1), expected (2)");
}

}  // namespace
}  // namespace artemis::test

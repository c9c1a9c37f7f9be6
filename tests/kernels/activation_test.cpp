#include "artemis/kernels/activation.h"

#include "artemis/kernels/cpu/math.h"
#include "reference.h"

namespace artemis::test {
namespace {

double reference(Activation activation, double x) {
  switch (activation) {
    case Activation::gelu_erf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
  }
  return NAN;
}

Values map(Activation activation, const Values& x) {
  Values out;
  for (const double value : x) out.push_back(reference(activation, value));
  return out;
}

Values gated(Activation activation, const Values& gate, const Values& up) {
  Values out = map(activation, gate);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= up[i];
  return out;
}

const std::vector<Activation> all = {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu,
                                     Activation::relu, Activation::quick_gelu};

class ActivationTest : public ForDTypes {};

TEST_P(ActivationTest, ForwardAndBackwardOnColumnRanges) {
  for (const Activation activation : all) {
    // Columns 3 to 40 of wider matrices: row strides are honoured.
    const Tensor x = random_tensor(ctx_, GetParam(), {5, 50}, random_, 2.0f).columns(3, 40);
    const Tensor d_out = random_tensor(ctx_, GetParam(), {5, 41}, random_).columns(0, 37);
    const Tensor wide = poisoned(ctx_, GetParam(), {5, 60});
    const Tensor out = wide.columns(10, 47);
    activation_forward(ctx_, out, x, activation);
    const Values xs = values_of(ctx_, x);
    expect_near(values_of(ctx_, out), map(activation, xs), tolerance(GetParam()), "out");
    EXPECT_TRUE(std::isnan(values_of(ctx_, wide)[9]) && std::isnan(values_of(ctx_, wide)[47]));
    const Values ds = values_of(ctx_, d_out);
    const Tensor d_x = poisoned(ctx_, GetParam(), {5, 37});
    activation_backward(ctx_, d_x, d_out, x, activation);
    expect_near(values_of(ctx_, d_x),
                numeric_gradient([&](const Values& v) { return map(activation, v); }, xs, ds),
                std::max(tolerance(GetParam()), 1e-6), "d_x");
    activation_backward(ctx_, d_out, d_out, x, activation);
    EXPECT_EQ(values_of(ctx_, d_out), values_of(ctx_, d_x));
    activation_forward(ctx_, x, x, activation);
    EXPECT_EQ(values_of(ctx_, x), values_of(ctx_, out));
  }
}

TEST_P(ActivationTest, Gated) {
  for (const Activation activation : all) {
    const Shape shape{4, 19};
    const Tensor gate = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor up = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor d_out = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor out = poisoned(ctx_, GetParam(), shape);
    gated_forward(ctx_, out, gate, up, activation);
    const Values gs = values_of(ctx_, gate);
    const Values us = values_of(ctx_, up);
    const Values ds = values_of(ctx_, d_out);
    expect_near(values_of(ctx_, out), gated(activation, gs, us), tolerance(GetParam()), "out");
    const Tensor d_gate = poisoned(ctx_, GetParam(), shape);
    const Tensor d_up = poisoned(ctx_, GetParam(), shape);
    gated_backward(ctx_, d_gate, d_up, d_out, gate, up, activation);
    const double bound = std::max(tolerance(GetParam()), 1e-6);
    expect_near(values_of(ctx_, d_gate),
                numeric_gradient([&](const Values& v) { return gated(activation, v, us); }, gs, ds), bound,
                "d_gate");
    expect_near(values_of(ctx_, d_up),
                numeric_gradient([&](const Values& v) { return gated(activation, gs, v); }, us, ds), bound,
                "d_up");
    gated_backward(ctx_, gate, up, d_out, gate, up, activation);
    EXPECT_EQ(values_of(ctx_, gate), values_of(ctx_, d_gate));
    EXPECT_EQ(values_of(ctx_, up), values_of(ctx_, d_up));
  }
}

ARTEMIS_FOR_DTYPES(ActivationTest);

TEST(Math, ExpIsWithinTwoUnitsInTheLastPlace) {
  for (float x = -86.9f; x <= 88.72283f; x += 0.00131f) {
    const double exact = std::exp(static_cast<double>(x));
    ASSERT_LE(std::abs(static_cast<double>(cpu::exp_f32(x)) - exact), 2 * exact * 0x1p-23) << x;
  }
  EXPECT_NEAR(cpu::exp_f32(88.72283f) / std::exp(88.72283f), 1.0f, 2 * 0x1p-23);
  EXPECT_EQ(cpu::exp_f32(88.7229f), INFINITY);
  EXPECT_EQ(cpu::exp_f32(-87.0f), 0.0f);
  EXPECT_EQ(cpu::exp_f32(-INFINITY), 0.0f);
  EXPECT_EQ(cpu::exp_f32(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(cpu::exp_f32(NAN)));
  EXPECT_EQ(cpu::exp_f32(0.0f), 1.0f);
}

TEST(Math, SigmoidIsAccurateOnBothSides) {
  for (float x = -86.0f; x < 100.0f; x += 0.00113f) {
    const double exact = 1 / (1 + std::exp(-static_cast<double>(x)));
    ASSERT_LE(std::abs(static_cast<double>(cpu::sigmoid(x)) - exact), 4 * exact * 0x1p-23) << x;
  }
  EXPECT_EQ(cpu::sigmoid(-INFINITY), 0.0f);
  EXPECT_EQ(cpu::sigmoid(INFINITY), 1.0f);
}

TEST(Math, ErfIsWithinOneTenMillionth) {
  for (float x = -6.0f; x < 6.0f; x += 0.000037f) {
    ASSERT_LE(std::abs(static_cast<double>(cpu::erf_f32(x)) - std::erf(static_cast<double>(x))), 1e-7) << x;
  }
  // Near 0 the error is relative.
  for (float x = 1e-30f; x < 0.5f; x *= 1.01f) {
    ASSERT_LE(std::abs(static_cast<double>(cpu::erf_f32(x)) / std::erf(static_cast<double>(x)) - 1), 3e-7)
        << x;
  }
  EXPECT_EQ(cpu::erf_f32(-INFINITY), -1.0f);
  EXPECT_EQ(cpu::erf_f32(4.5f), 1.0f);
  EXPECT_TRUE(std::isnan(cpu::erf_f32(NAN)));
}

// As the processor's own vectors compute them, element by element over the range where they bend.
TEST(Activation, ValuesOverTheWholeRange) {
  Context ctx(Device{}, 2);
  constexpr std::int64_t count = 200000;
  const Tensor x = Tensor::allocate(DType::f32, {1, count});
  for (std::int64_t i = 0; i < count; ++i) {
    x.mutable_data<float>()[i] = -50.0f + 100.0f * static_cast<float>(i) / static_cast<float>(count);
  }
  const Values xs = values_of(ctx, x);
  for (const Activation activation : all) {
    const Tensor out = poisoned(ctx, DType::f32, x.shape());
    activation_forward(ctx, out, x, activation);
    const Values values = values_of(ctx, out);
    // The argument of exp reaches 1.702 x 50 and carries half a unit of its last place, 2^-18 there.
    const double relative = activation == Activation::gelu_erf ? 0 : 0x1p-17;
    const double floor = activation == Activation::gelu_erf ? 1e-7 : 1e-35;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      // tanh of the reference itself cancels below -5.
      if (activation == Activation::gelu_tanh && xs[i] < -5) continue;
      const double exact = reference(activation, xs[i]);
      ASSERT_LE(std::abs(values[i] - exact), relative * std::abs(exact) + floor * (1 + std::abs(xs[i])))
          << static_cast<int>(activation) << " of " << xs[i];
    }
  }
}

TEST(Activation, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(12);
    const Tensor gate = random_tensor(ctx, DType::f32, {333, 129}, random);
    const Tensor up = random_tensor(ctx, DType::f32, {333, 129}, random);
    const Tensor out = poisoned(ctx, DType::f32, {333, 129});
    gated_forward(ctx, out, gate, up, Activation::gelu_tanh);
    Values all_values = values_of(ctx, out);
    gated_backward(ctx, gate, up, out, gate, up, Activation::silu);
    for (const Tensor& gradient : {gate, up}) {
      for (const double value : values_of(ctx, gradient)) all_values.push_back(value);
    }
    return all_values;
  });
}

TEST(Activation, RefusesShapesThatDoNotFit) {
  Context ctx(Device{}, 1);
  const Tensor x = Tensor::zeros(DType::f32, {2, 8});
  EXPECT_EQ(error_of([&] {
              activation_forward(ctx, Tensor::zeros(DType::f32, {2, 7}), x, Activation::silu);
            }),
            "[activation] out has shape (2, 7), expected (2, 8)");
  EXPECT_EQ(error_of([&] { activation_forward(ctx, Tensor(), x, Activation::silu); }),
            "[activation] out is absent");
}

}  // namespace
}  // namespace artemis::test

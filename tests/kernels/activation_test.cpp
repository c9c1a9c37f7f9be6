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
    activation_backward(ctx_, d_out, d_out, x, activation);  // in place
    const Tensor again = random_tensor(ctx_, GetParam(), {5, 37}, random_);
    const Tensor d_x = poisoned(ctx_, GetParam(), {5, 37});
    activation_backward(ctx_, d_x, again, x, activation);
    expect_near(
        values_of(ctx_, d_x),
        numeric_gradient([&](const Values& v) { return map(activation, v); }, xs, values_of(ctx_, again)),
        std::max(tolerance(GetParam()), 1e-6), "d_x");
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
  }
}

ARTEMIS_FOR_DTYPES(ActivationTest);

TEST(Math, ExpIsWithinTwoUnitsInTheLastPlace) {
  for (double x = -86.0; x < 88.7; x += 0.00137) {
    const auto argument = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(argument));
    ASSERT_LE(std::abs(static_cast<double>(cpu::exp_f32(argument)) - exact), 2 * exact * 0x1p-23) << argument;
  }
  EXPECT_EQ(cpu::exp_f32(-INFINITY), 0.0f);
  EXPECT_EQ(cpu::exp_f32(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(cpu::exp_f32(NAN)));
  EXPECT_EQ(cpu::exp_f32(0.0f), 1.0f);
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

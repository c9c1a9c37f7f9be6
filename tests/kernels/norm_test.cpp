#include "artemis/kernels/norm.h"

#include "reference.h"

namespace artemis::test {
namespace {

constexpr double eps = 1e-5;

Values rms_reference(const Values& x, const Values& weight) {
  const std::size_t width = weight.size();
  Values out(x.size());
  for (std::size_t row = 0; row < x.size(); row += width) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += x[row + i] * x[row + i];
    const double rstd = 1 / std::sqrt(squares / static_cast<double>(width) + eps);
    for (std::size_t i = 0; i < width; ++i) out[row + i] = x[row + i] * rstd * weight[i];
  }
  return out;
}

Values layer_reference(const Values& x, const Values& weight, const Values& bias) {
  const std::size_t width = weight.size();
  Values centred = x;
  for (std::size_t row = 0; row < x.size(); row += width) {
    double mean = 0;
    double variance = 0;
    for (std::size_t i = 0; i < width; ++i) mean += x[row + i] / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i)
      variance += (x[row + i] - mean) * (x[row + i] - mean) / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i) {
      centred[row + i] = (x[row + i] - mean) / std::sqrt(variance + eps) * weight[i] + bias[i];
    }
  }
  return centred;
}

class NormTest : public ForDTypes {};

TEST_P(NormTest, RmsNorm) {
  for (const auto& [rows, width] : {std::pair{3, 7}, std::pair{5, 16}, std::pair{2, 45}}) {
    const Shape shape{rows, width};
    const Tensor x = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor weight = random_tensor(ctx_, GetParam(), {width}, random_);
    const Tensor d_out = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor out = poisoned(ctx_, GetParam(), shape);
    const Tensor rstd = poisoned(ctx_, DType::f32, {rows});
    rms_norm_forward(ctx_, out, rstd, x, weight, static_cast<float>(eps));
    const Values xs = values_of(ctx_, x);
    const Values ws = values_of(ctx_, weight);
    const Values ds = values_of(ctx_, d_out);
    expect_near(values_of(ctx_, out), rms_reference(xs, ws), tolerance(GetParam()), "out");

    const Tensor d_x = poisoned(ctx_, GetParam(), shape);
    const Tensor d_weight = random_tensor(ctx_, DType::f32, {width}, random_);
    Values expected_weight = numeric_gradient([&](const Values& w) { return rms_reference(xs, w); }, ws, ds);
    const Values before = values_of(ctx_, d_weight);
    for (std::size_t i = 0; i < before.size(); ++i) expected_weight[i] += before[i];
    rms_norm_backward(ctx_, d_x, d_weight, d_out, x, weight, rstd);
    expect_near(values_of(ctx_, d_x),
                numeric_gradient([&](const Values& v) { return rms_reference(v, ws); }, xs, ds),
                tolerance(GetParam()), "d_x");
    expect_near(values_of(ctx_, d_weight), expected_weight, tolerance(DType::f32), "d_weight");
  }
}

TEST_P(NormTest, LayerNorm) {
  for (const auto& [rows, width] : {std::pair{3, 7}, std::pair{5, 16}, std::pair{2, 45}}) {
    const Shape shape{rows, width};
    const Tensor x = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor weight = random_tensor(ctx_, GetParam(), {width}, random_);
    const Tensor bias = random_tensor(ctx_, GetParam(), {width}, random_);
    const Tensor d_out = random_tensor(ctx_, GetParam(), shape, random_);
    const Tensor out = poisoned(ctx_, GetParam(), shape);
    const Tensor mean = poisoned(ctx_, DType::f32, {rows});
    const Tensor rstd = poisoned(ctx_, DType::f32, {rows});
    layer_norm_forward(ctx_, out, mean, rstd, x, weight, bias, static_cast<float>(eps));
    const Values xs = values_of(ctx_, x);
    const Values ws = values_of(ctx_, weight);
    const Values bs = values_of(ctx_, bias);
    const Values ds = values_of(ctx_, d_out);
    expect_near(values_of(ctx_, out), layer_reference(xs, ws, bs), tolerance(GetParam()), "out");

    const Tensor d_x = poisoned(ctx_, GetParam(), shape);
    const Tensor d_weight = Tensor::zeros(DType::f32, {width});
    const Tensor d_bias = Tensor::zeros(DType::f32, {width});
    layer_norm_backward(ctx_, d_x, d_weight, d_bias, d_out, x, weight, mean, rstd);
    expect_near(values_of(ctx_, d_x),
                numeric_gradient([&](const Values& v) { return layer_reference(v, ws, bs); }, xs, ds),
                tolerance(GetParam()), "d_x");
    expect_near(values_of(ctx_, d_weight),
                numeric_gradient([&](const Values& w) { return layer_reference(xs, w, bs); }, ws, ds),
                tolerance(DType::f32), "d_weight");
    expect_near(values_of(ctx_, d_bias),
                numeric_gradient([&](const Values& b) { return layer_reference(xs, ws, b); }, bs, ds),
                tolerance(DType::f32), "d_bias");
  }
}

TEST_P(NormTest, TheGradientMayOverwriteItsInput) {
  const Shape shape{4, 33};
  const Tensor x = random_tensor(ctx_, GetParam(), shape, random_);
  const Tensor weight = random_tensor(ctx_, GetParam(), {33}, random_);
  const Tensor d_out = random_tensor(ctx_, GetParam(), shape, random_);
  const Tensor out = poisoned(ctx_, GetParam(), shape);
  const Tensor mean = poisoned(ctx_, DType::f32, {4});
  const Tensor rstd = poisoned(ctx_, DType::f32, {4});
  const Tensor d_x = poisoned(ctx_, GetParam(), shape);
  layer_norm_forward(ctx_, out, mean, rstd, x, weight, weight, 1e-6f);
  layer_norm_backward(ctx_, d_x, Tensor(), Tensor(), d_out, x, weight, mean, rstd);
  layer_norm_backward(ctx_, d_out, Tensor(), Tensor(), d_out, x, weight, mean, rstd);
  EXPECT_EQ(values_of(ctx_, d_x), values_of(ctx_, d_out));
}

// The sum of the two, and the residual may be what is overwritten.
TEST_P(NormTest, TheGradientIsAddedToAResidual) {
  const Shape shape{4, 33};
  const Tensor x = random_tensor(ctx_, GetParam(), shape, random_);
  const Tensor weight = random_tensor(ctx_, GetParam(), {33}, random_);
  const Tensor d_out = random_tensor(ctx_, GetParam(), shape, random_);
  const Tensor residual = random_tensor(ctx_, GetParam(), shape, random_);
  const Tensor mean = random_tensor(ctx_, DType::f32, {4}, random_);
  const Tensor rstd = random_tensor(ctx_, DType::f32, {4}, random_);
  const auto check = [&](const auto& backward) {
    const Tensor gradient = poisoned(ctx_, GetParam(), shape);
    const Tensor sum = poisoned(ctx_, GetParam(), shape);
    const Tensor in_place = Tensor::allocate(GetParam(), shape);
    convert(ctx_, in_place, residual);
    backward(gradient, Tensor());
    backward(sum, residual);
    backward(in_place, in_place);
    Values expected = values_of(ctx_, gradient);
    const Values added = values_of(ctx_, residual);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += added[i];
    expect_near(values_of(ctx_, sum), expected, tolerance(GetParam()), "sum");
    EXPECT_EQ(values_of(ctx_, in_place), values_of(ctx_, sum));
  };
  check([&](const Tensor& d_x, const Tensor& before) {
    rms_norm_backward(ctx_, d_x, Tensor(), d_out, x, weight, rstd, before);
  });
  check([&](const Tensor& d_x, const Tensor& before) {
    layer_norm_backward(ctx_, d_x, Tensor(), Tensor(), d_out, x, weight, mean, rstd, before);
  });
}

// Columns of wider matrices give the same bits as matrices of their own.
TEST_P(NormTest, RowStridesAreHonoured) {
  const Tensor wide_x = random_tensor(ctx_, GetParam(), {6, 60}, random_);
  const Tensor wide_d = random_tensor(ctx_, GetParam(), {6, 50}, random_);
  const Tensor weight = random_tensor(ctx_, GetParam(), {41}, random_);
  const auto run = [&](const Tensor& x, const Tensor& d_out, const Tensor& out) {
    const Tensor mean = poisoned(ctx_, DType::f32, {6});
    const Tensor rstd = poisoned(ctx_, DType::f32, {6});
    const Tensor d_weight = Tensor::zeros(DType::f32, {41});
    layer_norm_forward(ctx_, out, mean, rstd, x, weight, weight, 1e-6f);
    Values all = values_of(ctx_, out);
    layer_norm_backward(ctx_, out, d_weight, Tensor(), d_out, x, weight, mean, rstd);
    for (const Tensor& tensor : {out, d_weight}) {
      for (const double value : values_of(ctx_, tensor)) all.push_back(value);
    }
    rms_norm_forward(ctx_, out, rstd, x, weight, 1e-6f);
    for (const double value : values_of(ctx_, out)) all.push_back(value);
    return all;
  };
  const Tensor x = poisoned(ctx_, GetParam(), {6, 41});
  const Tensor d_out = poisoned(ctx_, GetParam(), {6, 41});
  convert(ctx_, x, wide_x.columns(3, 44));
  convert(ctx_, d_out, wide_d.columns(9, 50));
  const Tensor wide_out = poisoned(ctx_, GetParam(), {6, 47});
  EXPECT_EQ(run(wide_x.columns(3, 44), wide_d.columns(9, 50), wide_out.columns(2, 43)),
            run(x, d_out, poisoned(ctx_, GetParam(), {6, 41})));
  EXPECT_TRUE(std::isnan(values_of(ctx_, wide_out)[1]) && std::isnan(values_of(ctx_, wide_out)[43]));
}

TEST_P(NormTest, EachParameterGradientMayBeAbsent) {
  const Tensor x = random_tensor(ctx_, GetParam(), {3, 20}, random_);
  const Tensor weight = random_tensor(ctx_, GetParam(), {20}, random_);
  const Tensor mean = poisoned(ctx_, DType::f32, {3});
  const Tensor rstd = poisoned(ctx_, DType::f32, {3});
  const Tensor out = poisoned(ctx_, GetParam(), {3, 20});
  layer_norm_forward(ctx_, out, mean, rstd, x, weight, weight, 1e-6f);
  const auto gradients = [&](bool of_weight, bool of_bias) {
    const Tensor d_weight = Tensor::zeros(DType::f32, {20});
    const Tensor d_bias = Tensor::zeros(DType::f32, {20});
    layer_norm_backward(ctx_, poisoned(ctx_, GetParam(), {3, 20}), of_weight ? d_weight : Tensor(),
                        of_bias ? d_bias : Tensor(), out, x, weight, mean, rstd);
    return std::pair(values_of(ctx_, d_weight), values_of(ctx_, d_bias));
  };
  const auto both = gradients(true, true);
  EXPECT_EQ(gradients(true, false).first, both.first);
  EXPECT_EQ(gradients(false, true).second, both.second);
  EXPECT_EQ(gradients(false, false), std::pair(Values(20), Values(20)));
}

ARTEMIS_FOR_DTYPES(NormTest);

TEST(Norm, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(5);
    const Shape shape{301, 257};
    const Tensor x = random_tensor(ctx, DType::f32, shape, random);
    const Tensor weight = random_tensor(ctx, DType::f32, {257}, random);
    const Tensor out = poisoned(ctx, DType::f32, shape);
    const Tensor rstd = poisoned(ctx, DType::f32, {301});
    const Tensor d_weight = Tensor::zeros(DType::f32, {257});
    rms_norm_forward(ctx, out, rstd, x, weight, 1e-6f);
    rms_norm_backward(ctx, out, d_weight, out, x, weight, rstd);
    Values all = values_of(ctx, out);
    for (const double value : values_of(ctx, d_weight)) all.push_back(value);
    return all;
  });
}

TEST(Norm, RefusesShapesThatDoNotFit) {
  Context ctx(Device{}, 1);
  const Tensor x = Tensor::zeros(DType::f32, {2, 8});
  const Tensor weight = Tensor::zeros(DType::f32, {7});
  EXPECT_EQ(error_of([&] { rms_norm_forward(ctx, x, Tensor(), x, weight, 1e-6f); }),
            "[rms_norm] weight has shape (7), expected (8)");
  const Tensor half = Tensor::zeros(DType::bf16, {8});
  EXPECT_EQ(error_of([&] { rms_norm_forward(ctx, x, Tensor(), x, half, 1e-6f); }),
            "[rms_norm] weight is bf16, expected f32");
  const Tensor eight = Tensor::zeros(DType::f32, {8});
  const Tensor rstd = Tensor::zeros(DType::f32, {2});
  const Tensor longer = Tensor::zeros(DType::f32, {3, 8});
  EXPECT_EQ(error_of([&] { rms_norm_backward(ctx, x, Tensor(), x, x, eight, rstd, longer); }),
            "[rms_norm_backward] residual has shape (3, 8), expected (2, 8)");
}

}  // namespace
}  // namespace artemis::test

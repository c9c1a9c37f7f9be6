#include "artemis/kernels/rotary.h"

#include "reference.h"

namespace artemis::test {
namespace {

constexpr std::size_t head_dim = 10;
constexpr std::size_t pairs = 4;  // partial: the last two elements of a head stay

Values turned(const Values& x, const Values& cos, const Values& sin, std::size_t heads) {
  Values out = x;
  const std::size_t width = heads * head_dim;
  for (std::size_t token = 0; token * width < x.size(); ++token) {
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const std::size_t a = token * width + head * head_dim + i;
        const double c = cos[token * pairs + i];
        const double s = sin[token * pairs + i];
        out[a] = x[a] * c - x[a + pairs] * s;
        out[a + pairs] = x[a + pairs] * c + x[a] * s;
      }
    }
  }
  return out;
}

class RotaryTest : public ForDTypes {};

TEST_P(RotaryTest, TurnsPairsAndBack) {
  const Tensor cos = random_tensor(ctx_, DType::f32, {6, 4}, random_);
  const Tensor sin = random_tensor(ctx_, DType::f32, {6, 4}, random_);
  const Tensor x = random_tensor(ctx_, GetParam(), {6, 47}, random_).columns(5, 35);
  const Tensor d = random_tensor(ctx_, GetParam(), {6, 30}, random_);
  const Values xs = values_of(ctx_, x);
  const Values cs = values_of(ctx_, cos);
  const Values ss = values_of(ctx_, sin);
  const Values ds = values_of(ctx_, d);
  rotary_forward(ctx_, x, cos, sin, 10);
  expect_near(values_of(ctx_, x), turned(xs, cs, ss, 3), tolerance(GetParam()), "x");
  rotary_backward(ctx_, d, cos, sin, 10);
  expect_near(values_of(ctx_, d),
              numeric_gradient([&](const Values& v) { return turned(v, cs, ss, 3); }, xs, ds),
              std::max(tolerance(GetParam()), 1e-6), "d_x");
}

ARTEMIS_FOR_DTYPES(RotaryTest);

TEST(Rotary, RefusesShapesThatDoNotFit) {
  Context ctx(Device{}, 1);
  const Tensor x = Tensor::zeros(DType::f32, {2, 24});
  const Tensor table = Tensor::zeros(DType::f32, {2, 6});
  EXPECT_EQ(error_of([&] { rotary_forward(ctx, x, table, table, 10); }),
            "[rotary] x has 24 columns, no multiple of head_dim 10");
  EXPECT_EQ(error_of([&] { rotary_forward(ctx, x, table, table, 8); }),
            "[rotary] 6 pairs turn, head_dim 8 has fewer");
}

}  // namespace
}  // namespace artemis::test

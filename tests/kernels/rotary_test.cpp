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

// Queries and keys turn where they lie; what the keys become, and the values, goes into the cache, row by
// row.
TEST_P(RotaryTest, ToCache) {
  constexpr std::int64_t q_width = 20;
  constexpr std::int64_t kv_width = 10;
  const Tensor cos = random_tensor(ctx_, DType::f32, {3, 4}, random_);
  const Tensor sin = random_tensor(ctx_, DType::f32, {3, 4}, random_);
  const Tensor qkv = random_tensor(ctx_, GetParam(), {3, 45}, random_).columns(2, 42);
  const std::int32_t places[] = {4, 0, 2};
  const Tensor rows = Tensor::from<std::int32_t>(places, {3});
  const Tensor k_cache = poisoned(ctx_, GetParam(), {5, 13}).columns(1, 11);
  const Tensor v_cache = poisoned(ctx_, GetParam(), {5, kv_width});
  const Tensor keys = qkv.columns(q_width, q_width + kv_width);
  const Tensor values = qkv.columns(q_width + kv_width, q_width + 2 * kv_width);
  const Values vs = values_of(ctx_, values);
  const Values turning = values_of(ctx_, qkv.columns(0, q_width + kv_width));
  const Values expected = turned(turning, values_of(ctx_, cos), values_of(ctx_, sin), 3);
  rotary_to_cache(ctx_, qkv, k_cache, v_cache, rows, cos, sin, 10);
  expect_near(values_of(ctx_, qkv.columns(0, q_width + kv_width)), expected, tolerance(GetParam()),
              "q and k");
  EXPECT_EQ(values_of(ctx_, values), vs);
  for (std::int64_t token = 0; token < 3; ++token) {
    const std::int64_t row = places[token];
    EXPECT_EQ(values_of(ctx_, k_cache.rows(row, row + 1)), values_of(ctx_, keys.rows(token, token + 1)));
    EXPECT_EQ(values_of(ctx_, v_cache.rows(row, row + 1)), values_of(ctx_, values.rows(token, token + 1)));
  }
  for (const std::int64_t row : {1, 3}) {
    for (const Tensor& cache : {k_cache, v_cache}) {
      for (const double value : values_of(ctx_, cache.rows(row, row + 1))) EXPECT_TRUE(std::isnan(value));
    }
  }
}

ARTEMIS_FOR_DTYPES(RotaryTest);

TEST(Rotary, AnglesOfSeveralAxes) {
  Context ctx(Device{}, 2);
  const std::int32_t positions[] = {0, 7, 131071, 3};
  const float frequencies[] = {1.0f, 0.25f, 0.001f};
  const Tensor cos = poisoned(ctx, DType::f32, {2, 8}).columns(1, 7);
  const Tensor sin = poisoned(ctx, DType::f32, {2, 6});
  rotary_angles(ctx, cos, sin, Tensor::from<std::int32_t>(positions, {2, 2}),
                Tensor::from<float>(frequencies, {3}), 1.5f);
  Values cs, ss;
  for (std::size_t i = 0; i < 12; ++i) {
    const double angle = static_cast<float>(positions[i / 3]) * frequencies[i % 3];
    cs.push_back(1.5 * std::cos(angle));
    ss.push_back(1.5 * std::sin(angle));
  }
  expect_near(values_of(ctx, cos), cs, 1e-6, "cos");
  expect_near(values_of(ctx, sin), ss, 1e-6, "sin");
  EXPECT_EQ(error_of([&] {
              rotary_angles(ctx, sin, sin, Tensor::from<std::int32_t>(positions, {2, 2}),
                            Tensor::from<float>(std::span(frequencies, 2), {2}), 1.0f);
            }),
            "[rotary_angles] cos has shape (2, 6), expected (2, 4)");
}

TEST(Rotary, RefusesShapesThatDoNotFit) {
  Context ctx(Device{}, 1);
  const Tensor x = Tensor::zeros(DType::f32, {2, 24});
  const Tensor table = Tensor::zeros(DType::f32, {2, 6});
  EXPECT_EQ(error_of([&] { rotary_forward(ctx, x, table, table, 10); }),
            "[rotary] x has 24 columns, no multiple of head_dim 10");
  EXPECT_EQ(error_of([&] { rotary_forward(ctx, x, table, table, 8); }),
            "[rotary] 6 pairs turn, head_dim 8 has fewer");
  const Tensor cache = Tensor::zeros(DType::f32, {4, 12});
  const Tensor rows = Tensor::zeros(DType::i32, {2});
  EXPECT_EQ(
      error_of([&] { rotary_to_cache(ctx, x, cache, cache, rows, table, table, 12); }),
      "[rotary_to_cache] k_cache has 12 columns, expected a multiple of head_dim 12 that leaves some of "
      "24 to the queries");
}

}  // namespace
}  // namespace artemis::test

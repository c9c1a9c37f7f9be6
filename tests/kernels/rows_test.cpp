#include "artemis/kernels/rows.h"

#include <algorithm>
#include <array>

#include "reference.h"

namespace artemis::test {
namespace {

Tensor indices(std::initializer_list<std::int32_t> values, const Shape& shape) {
  return Tensor::from<std::int32_t>(std::span(values.begin(), values.size()), shape);
}

class RowsTest : public ForDTypes {};

TEST_P(RowsTest, Multiply) {
  const Tensor whole = random_tensor(ctx_, GetParam(), {6, 11}, random_);
  const Values before = values_of(ctx_, whole);
  multiply(ctx_, whole.columns(2, 9), 0.5f);
  const Values after = values_of(ctx_, whole);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool inside = i % 11 >= 2 && i % 11 < 9;
    EXPECT_EQ(after[i], (inside ? 0.5 : 1.0) * before[i]) << i;
  }
}

TEST_P(RowsTest, GatherScatterAndScatterAdd) {
  const Tensor table = random_tensor(ctx_, GetParam(), {5, 9}, random_);
  const Tensor index = indices({4, 0, 4, 2}, {4});
  const Tensor out = poisoned(ctx_, GetParam(), {4, 9});
  gather_rows(ctx_, out, table, index);
  const Values ts = values_of(ctx_, table);
  const Values os = values_of(ctx_, out);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 9; ++j) {
      EXPECT_EQ(os[i * 9 + j], ts[static_cast<std::size_t>(index.data<std::int32_t>()[i]) * 9 + j]);
    }
  }
  // The gradient of gather: rows add up where they came from.
  const Tensor d_table = Tensor::zeros(DType::f32, {5, 9});
  scatter_add_rows(ctx_, d_table, out, index);
  const Values ds = values_of(ctx_, d_table);
  for (std::size_t j = 0; j < 9; ++j) {
    EXPECT_EQ(ds[4 * 9 + j], 2 * ts[4 * 9 + j]);
    EXPECT_EQ(ds[0 * 9 + j], ts[0 * 9 + j]);
    EXPECT_EQ(ds[1 * 9 + j], 0);
  }
  const Tensor target = poisoned(ctx_, GetParam(), {6, 9});
  scatter_rows(ctx_, target, out, indices({5, 1, 0, 3}, {4}));
  const Values scattered = values_of(ctx_, target);
  for (std::size_t j = 0; j < 9; ++j) {
    EXPECT_EQ(scattered[5 * 9 + j], os[j]);
    EXPECT_EQ(scattered[3 * 9 + j], os[3 * 9 + j]);
    EXPECT_TRUE(std::isnan(scattered[2 * 9 + j]) && std::isnan(scattered[4 * 9 + j]));
  }
}

TEST_P(RowsTest, Interpolate) {
  const Tensor table = random_tensor(ctx_, GetParam(), {4, 7}, random_);
  const Tensor index = indices({0, 1, 3, 3, 2, 0}, {2, 3});
  const Tensor weight = random_tensor(ctx_, DType::f32, {2, 3}, random_);
  const Values ws = values_of(ctx_, weight);
  const auto reference = [&](const Values& t) {
    Values out(14);
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t tap = 0; tap < 3; ++tap) {
        const auto from = static_cast<std::size_t>(index.data<std::int32_t>()[i * 3 + tap]);
        for (std::size_t j = 0; j < 7; ++j) out[i * 7 + j] += ws[i * 3 + tap] * t[from * 7 + j];
      }
    }
    return out;
  };
  const Values ts = values_of(ctx_, table);
  const Tensor out = poisoned(ctx_, GetParam(), {2, 7});
  interpolate_rows_forward(ctx_, out, table, index, weight);
  expect_near(values_of(ctx_, out), reference(ts), tolerance(GetParam()), "out");
  const Tensor d_out = random_tensor(ctx_, GetParam(), {2, 7}, random_);
  const Tensor d_table = Tensor::zeros(DType::f32, {4, 7});
  interpolate_rows_backward(ctx_, d_table, d_out, index, weight);
  expect_near(values_of(ctx_, d_table), numeric_gradient(reference, ts, values_of(ctx_, d_out)), 1e-6,
              "d_table");
}

TEST_P(RowsTest, AddWithStridesAndInPlace) {
  const Tensor a = random_tensor(ctx_, GetParam(), {3, 20}, random_).columns(2, 15);
  const Tensor b = random_tensor(ctx_, GetParam(), {3, 13}, random_);
  Values sum = values_of(ctx_, a);
  const Values bs = values_of(ctx_, b);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += bs[i];
  add(ctx_, a, a, b);
  expect_near(values_of(ctx_, a), sum, tolerance(GetParam()), "sum");
}

// Indices, weights, tables and results that are columns of wider matrices.
TEST_P(RowsTest, InterpolateHonoursRowStrides) {
  const Tensor table = random_tensor(ctx_, GetParam(), {4, 330}, random_).columns(10, 310);
  const Tensor index = indices({9, 0, 1, 9, 3, 2, 9, 1, 1}, {3, 3}).columns(1, 3);
  const Tensor weight = random_tensor(ctx_, DType::f32, {3, 5}, random_).columns(2, 4);
  const Tensor wide = poisoned(ctx_, GetParam(), {3, 302});
  interpolate_rows_forward(ctx_, wide.columns(1, 301), table, index, weight);
  const Values ts = values_of(ctx_, table);
  const Values ws = values_of(ctx_, weight);
  const std::size_t taps[3][2] = {{0, 1}, {3, 2}, {1, 1}};
  Values expected;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 300; ++j) {
      expected.push_back(ws[2 * i] * ts[taps[i][0] * 300 + j] + ws[2 * i + 1] * ts[taps[i][1] * 300 + j]);
    }
  }
  expect_near(values_of(ctx_, wide.columns(1, 301)), expected, tolerance(GetParam()), "out");
  EXPECT_TRUE(std::isnan(values_of(ctx_, wide)[0]) && std::isnan(values_of(ctx_, wide)[301]));
}

TEST_P(RowsTest, ArgmaxTakesTheFirstOfEqualsAndPassesOverNaN) {
  const float inf = INFINITY;
  const float values[] = {1,    3,    3,    -2,    // two of the largest
                          NAN,  -5,   -4,   NAN,   // below 0, beside NaN
                          NAN,  NAN,  NAN,  NAN,   // nothing else
                          -inf, -inf, NAN,  -inf,  // no finite value
                          0,    2,    -inf, inf};
  const Tensor x = Tensor::allocate(GetParam(), {5, 4});
  convert(ctx_, x, Tensor::from<float>(values, {5, 4}));
  const Tensor index = Tensor::allocate(DType::i32, {5});
  argmax_rows(ctx_, index, x);
  EXPECT_TRUE(std::ranges::equal(index.values<std::int32_t>(), std::array{1, 2, -1, 0, 3}));
  const Tensor wide = random_tensor(ctx_, GetParam(), {5, 700}, random_).columns(3, 690);
  argmax_rows(ctx_, index, wide);
  for (std::int64_t row = 0; row < 5; ++row) {
    const Values candidates = values_of(ctx_, wide.rows(row, row + 1));
    EXPECT_EQ(index.data<std::int32_t>()[row], std::ranges::max_element(candidates) - candidates.begin());
  }
}

ARTEMIS_FOR_DTYPES(RowsTest);

TEST(Convert, RoundsToNearestEvenBetweenAllFloatingDTypes) {
  Context ctx(Device{}, 2);
  // 1 + 2^-8 lies half-way between two bf16 values: the even one wins; 1 + 3 * 2^-8 goes up.
  const float values[] = {1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-8f, -2.5f, 65504.0f, 0x1p-24f, 0.0f};
  const Tensor x = Tensor::from<float>(values, {6});
  const Tensor bf16 = Tensor::allocate(DType::bf16, {6});
  convert(ctx, bf16, x);
  EXPECT_EQ(values_of(ctx, bf16)[0], 1.0);
  EXPECT_EQ(values_of(ctx, bf16)[1], 1.0 + 0x1p-6);
  const Tensor f16 = Tensor::allocate(DType::f16, {6});
  convert(ctx, f16, x);
  EXPECT_EQ(values_of(ctx, f16)[3], 65504.0);
  EXPECT_EQ(values_of(ctx, f16)[4], 0x1p-24);
  EXPECT_EQ(error_of([&] { convert(ctx, Tensor::zeros(DType::i32, {6}), x); }),
            "[convert] f32 cannot become i32");
}

TEST(Rows, RefusesIndicesOutsideTheTable) {
  Context ctx(Device{}, 1);
  const Tensor table = Tensor::zeros(DType::f32, {3, 2});
  const Tensor out = Tensor::zeros(DType::f32, {2, 2});
  EXPECT_EQ(error_of([&] {
              gather_rows(ctx, out, table, indices({0, 3}, {2}));
            }),
            "[gather_rows] index 3 at position 1 is outside the 3 rows");
  EXPECT_EQ(error_of([&] {
              gather_rows(ctx, out, table, indices({-1, 0}, {2}));
            }),
            "[gather_rows] index -1 at position 0 is outside the 3 rows");
}

TEST(Rows, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(8);
    const Tensor rows = random_tensor(ctx, DType::f32, {2000, 300}, random);
    std::vector<std::int32_t> index(2000);
    for (auto& value : index) value = static_cast<std::int32_t>(random.below(7));
    const Tensor table = Tensor::zeros(DType::f32, {7, 300});
    scatter_add_rows(ctx, table, rows, Tensor::from<std::int32_t>(index, {2000}));
    const Tensor taps = Tensor::from<std::int32_t>(index, {1000, 2});
    const Tensor weight = random_tensor(ctx, DType::f32, {1000, 2}, random);
    interpolate_rows_backward(ctx, table, rows.rows(0, 1000), taps, weight);
    return values_of(ctx, table);
  });
}

}  // namespace
}  // namespace artemis::test

#include "artemis/kernels/fill_normal.h"

#include "reference.h"

namespace artemis::test {
namespace {

class FillNormalTest : public ForDTypes {};

TEST_P(FillNormalTest, MeanDeviationAndTails) {
  const Tensor out = poisoned(ctx_, GetParam(), {301, 997});
  fill_normal(ctx_, out, 0.02f, 5, 3);
  const Values values = values_of(ctx_, out);
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0, within = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
    within += std::abs(value) < 0.02 ? 1 : 0;
  }
  EXPECT_NEAR(sum / count, 0, 5 * 0.02 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count), 0.02, 1e-4);
  EXPECT_NEAR(within / count, 0.6827, 5e-3);
}

TEST_P(FillNormalTest, AFunctionOfSeedStreamAndPlaceAlone) {
  Context many(Device{}, 3);
  const auto make = [&](Context& ctx, std::int64_t count, std::uint64_t seed, std::uint64_t stream) {
    const Tensor out = poisoned(ctx_, GetParam(), {count});
    fill_normal(ctx, out, 1.0f, seed, stream);
    return values_of(ctx_, out);
  };
  const Values whole = make(many, 40003, 1, 2);
  EXPECT_EQ(make(ctx_, 40003, 1, 2), whole);
  const Values part = make(ctx_, 101, 1, 2);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin()));
  EXPECT_NE(make(ctx_, 101, 1, 3), part);
  EXPECT_NE(make(ctx_, 101, 2, 2), part);
}

ARTEMIS_FOR_DTYPES(FillNormalTest);

TEST(FillNormal, RefusesGaps) {
  Context ctx(Device{}, 1);
  const Tensor whole = Tensor::allocate(DType::f32, {4, 8});
  EXPECT_THROW(fill_normal(ctx, whole.columns(0, 5), 1.0f, 0, 0), Error);
}

}  // namespace
}  // namespace artemis::test

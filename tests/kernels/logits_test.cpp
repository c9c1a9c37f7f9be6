#include "artemis/kernels/logits.h"

#include "reference.h"

namespace artemis::test {
namespace {

class LogitsTest : public ::testing::Test {
 protected:
  // Logits (2, width) among others, so that a row is longer than what is read of it.
  Tensor logits(std::int64_t width) {
    return random_tensor(ctx_, DType::f32, {2, width + 3}, random_, 4.0f).columns(0, width);
  }

  Context ctx_{Device{}, 2};
  Random random_{17};
};

// What transformers 5 has: RepetitionPenaltyLogitsProcessor(2.0) over scores [[2, -1, 3, 0]] of input_ids
// [[0, 1, 1, 3]].
TEST_F(LogitsTest, APenaltyAsTransformers) {
  const Tensor logits = Tensor::from<float>(std::vector<float>{2.0f, -1.0f, 3.0f, 0.0f}, {1, 4});
  const std::vector<LogitEdit> edits = {
      {.id = 0, .divide = 2.0f}, {.id = 1, .divide = 2.0f}, {.id = 3, .divide = 2.0f}};
  edit_logits(ctx_, logits, edits);
  EXPECT_EQ(values_of(ctx_, logits), (Values{1.0, -2.0, 3.0, 0.0}));
}

TEST_F(LogitsTest, EditsChangeTheirPlaceAndNoOther) {
  const Tensor changed = logits(70);
  const Values before = values_of(ctx_, changed);
  std::vector<LogitEdit> edits;
  Values expected = before;
  for (std::int32_t row = 0; row < 2; ++row) {
    for (std::int32_t id = row; id < 70; id += 7) {
      const LogitEdit edit = {.row = row, .id = id, .divide = 1.25f, .add = random_.normal()};
      edits.push_back(edit);
      double& x = expected[static_cast<std::size_t>(row * 70 + id)];
      x = (x > 0 ? x / 1.25 : x * 1.25) + static_cast<double>(edit.add);
    }
  }
  edit_logits(ctx_, changed, edits);
  expect_near(values_of(ctx_, changed), expected, tolerance(DType::f32), "logits");
}

TEST_F(LogitsTest, AnEditCanForbidAToken) {
  const Tensor changed = logits(5);
  edit_logits(ctx_, changed, std::vector<LogitEdit>{{.row = 1, .id = 4, .add = -INFINITY}});
  EXPECT_EQ(values_of(ctx_, changed).back(), -INFINITY);
}

TEST_F(LogitsTest, AMaskLeavesWhatItsBitsAllow) {
  for (const std::int64_t width : {1, 31, 32, 33, 64, 95}) {
    const Tensor changed = logits(width);
    const Values before = values_of(ctx_, changed);
    const std::int64_t words = (width + 31) / 32;
    std::vector<std::uint32_t> masks(static_cast<std::size_t>(2 * words));
    for (std::uint32_t& word : masks)
      word = static_cast<std::uint32_t>(random_.below(std::uint64_t{1} << 32));
    const std::vector<std::int32_t> rows = {1, 0};
    mask_logits(ctx_, changed, masks, rows);
    const Values after = values_of(ctx_, changed);
    for (std::int64_t i = 0; i < 2; ++i) {
      for (std::int64_t t = 0; t < width; ++t) {
        const std::uint32_t word = masks[static_cast<std::size_t>(i * words + t / 32)];
        const bool allowed = (word >> (t % 32)) % 2 == 1;
        const auto place = static_cast<std::size_t>(rows[static_cast<std::size_t>(i)] * width + t);
        ASSERT_EQ(after[place], allowed ? before[place] : -INFINITY) << width << ": " << i << ", " << t;
      }
    }
  }
}

TEST_F(LogitsTest, RowsWithoutAMaskStay) {
  const Tensor changed = logits(40);
  const Values before = values_of(ctx_, changed);
  mask_logits(ctx_, changed, std::vector<std::uint32_t>(2), std::vector<std::int32_t>{1});
  const Values after = values_of(ctx_, changed);
  EXPECT_TRUE(std::equal(after.begin(), after.begin() + 40, before.begin()));
  EXPECT_EQ(Values(after.begin() + 40, after.end()), Values(40, -INFINITY));
}

TEST_F(LogitsTest, RefusesWhatItCannotDo) {
  const Tensor changed = logits(40);
  const auto edit = [&](const LogitEdit& one) { edit_logits(ctx_, changed, std::vector<LogitEdit>{one}); };
  EXPECT_THROW(edit({.row = 2}), Error);
  EXPECT_THROW(edit({.row = -1}), Error);
  EXPECT_THROW(edit({.id = 40}), Error);
  EXPECT_THROW(edit({.id = -1}), Error);
  EXPECT_THROW(edit({.divide = 0.0f}), Error);
  EXPECT_THROW(edit({.divide = INFINITY}), Error);
  EXPECT_THROW(edit({.add = NAN}), Error);
  const std::vector<std::int32_t> row = {0}, outside = {2};
  EXPECT_THROW(mask_logits(ctx_, changed, std::vector<std::uint32_t>(1), row), Error);
  EXPECT_THROW(mask_logits(ctx_, changed, std::vector<std::uint32_t>(4), row), Error);
  EXPECT_THROW(mask_logits(ctx_, changed, std::vector<std::uint32_t>(2), outside), Error);
}

}  // namespace
}  // namespace artemis::test

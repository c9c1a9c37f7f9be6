#include "artemis/kernels/cross_entropy.h"

#include "reference.h"

namespace artemis::test {
namespace {

Values losses(const Values& logits, const std::vector<std::int32_t>& labels) {
  const std::size_t width = logits.size() / labels.size();
  Values out;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const double* x = logits.data() + row * width;
    const double largest = *std::max_element(x, x + width);
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - largest);
    out.push_back(largest + std::log(sum) - x[labels[row]]);
  }
  return out;
}

class CrossEntropyTest : public ForDTypes {};

TEST_P(CrossEntropyTest, LossAndGradientInPlace) {
  const std::vector<std::int32_t> labels = {0, 36, 17, 5};
  const Tensor logits = random_tensor(ctx_, GetParam(), {4, 37}, random_, 5.0f);
  const Tensor label_tensor = Tensor::from<std::int32_t>(labels, {4});
  const Tensor loss = poisoned(ctx_, DType::f32, {4});
  const Tensor lse = poisoned(ctx_, DType::f32, {4});
  const Values xs = values_of(ctx_, logits);
  cross_entropy_forward(ctx_, loss, lse, logits, label_tensor);
  expect_near(values_of(ctx_, loss), losses(xs, labels), 1e-6, "loss");
  cross_entropy_backward(ctx_, logits, logits, lse, label_tensor, 0.25f);
  expect_near(values_of(ctx_, logits),
              numeric_gradient([&](const Values& v) { return losses(v, labels); }, xs, Values(4, 0.25)),
              std::max(tolerance(GetParam()), 2e-6), "d_logits");
}

ARTEMIS_FOR_DTYPES(CrossEntropyTest);

TEST(CrossEntropy, AWholeVocabularyOfLargeLogits) {
  Context ctx(Device{}, 2);
  Random random(3);
  const std::vector<std::int32_t> labels = {131071, 0};
  const Tensor logits = random_tensor(ctx, DType::f32, {2, 131072}, random, 30.0f);
  const Tensor loss = poisoned(ctx, DType::f32, {2});
  const Tensor lse = poisoned(ctx, DType::f32, {2});
  cross_entropy_forward(ctx, loss, lse, logits, Tensor::from<std::int32_t>(labels, {2}));
  expect_near(values_of(ctx, loss), losses(values_of(ctx, logits), labels), 1e-6, "loss");
}

// One row with its vocabulary in a wider matrix, cut among the threads.
TEST(CrossEntropy, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(4);
    const Tensor logits = random_tensor(ctx, DType::f32, {2, 70000}, random, 9.0f).columns(7, 65000);
    const std::vector<std::int32_t> labels = {64992, 8192};
    const Tensor label_tensor = Tensor::from<std::int32_t>(labels, {2});
    const Tensor loss = poisoned(ctx, DType::f32, {2});
    const Tensor lse = poisoned(ctx, DType::f32, {2});
    const Values xs = values_of(ctx, logits);
    cross_entropy_forward(ctx, loss, lse, logits, label_tensor);
    cross_entropy_backward(ctx, logits, logits, lse, label_tensor, 0.5f);
    Values all = values_of(ctx, loss);
    expect_near(all, losses(xs, labels), 1e-6, "loss");
    for (const double value : values_of(ctx, logits)) all.push_back(value);
    // The gradients of a row sum to 0.
    double sum = 0;
    for (const double value : values_of(ctx, logits)) sum += value;
    EXPECT_NEAR(sum, 0, 1e-5);
    return all;
  });
}

// A confident row keeps a small loss that lse - logit alone would round away.
TEST(CrossEntropy, ASmallLossOfALargeLogit) {
  Context ctx(Device{}, 1);
  const float logits[] = {1000.0f, 990.0f};
  const std::int32_t label = 0;
  const Tensor loss = poisoned(ctx, DType::f32, {1});
  cross_entropy_forward(ctx, loss, poisoned(ctx, DType::f32, {1}), Tensor::from<float>(logits, {1, 2}),
                        Tensor::from<std::int32_t>(std::span(&label, 1), {1}));
  EXPECT_NEAR(values_of(ctx, loss)[0], std::log1p(std::exp(-10.0)), 1e-7);
}

TEST(CrossEntropy, InfiniteAndAbsentLogits) {
  Context ctx(Device{}, 2);
  const auto loss_of = [&](float filler, float first, std::int32_t label) {
    const Tensor logits = Tensor::allocate(DType::f32, {1, 20000});
    fill(ctx, logits, filler);
    logits.mutable_data<float>()[0] = first;
    const Tensor loss = poisoned(ctx, DType::f32, {1});
    cross_entropy_forward(ctx, loss, poisoned(ctx, DType::f32, {1}), logits,
                          Tensor::from<std::int32_t>(std::span(&label, 1), {1}));
    return values_of(ctx, loss)[0];
  };
  // A masked word has probability 0, whole chunks of them too.
  EXPECT_EQ(loss_of(-INFINITY, 2.0f, 0), 0.0);
  EXPECT_EQ(loss_of(-INFINITY, 2.0f, 19999), INFINITY);
  // What has no distribution gives no number.
  EXPECT_TRUE(std::isnan(loss_of(-INFINITY, -INFINITY, 0)));
  EXPECT_TRUE(std::isnan(loss_of(1.0f, INFINITY, 0)));
  EXPECT_TRUE(std::isnan(loss_of(1.0f, NAN, 5)));
  EXPECT_TRUE(std::isnan(loss_of(-INFINITY, NAN, 19999)));
}

TEST(CrossEntropy, RefusesLabelsOutsideTheVocabulary) {
  Context ctx(Device{}, 1);
  const Tensor logits = Tensor::zeros(DType::f32, {1, 4});
  const Tensor one = Tensor::zeros(DType::f32, {1});
  const std::int32_t label = -100;
  EXPECT_EQ(error_of([&] {
              cross_entropy_forward(ctx, one, one, logits,
                                    Tensor::from<std::int32_t>(std::span(&label, 1), {1}));
            }),
            "[cross_entropy] label -100 of row 0 is outside the vocabulary of 4");
}

}  // namespace
}  // namespace artemis::test

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

#include "artemis/kernels/adamw.h"

#include "reference.h"

namespace artemis::test {
namespace {

// The update in double, written from the paper with torch's order of decay and step.
struct Reference {
  Values parameter, first, second;

  void step(const Values& gradient, const AdamWOptions& o) {
    for (std::size_t i = 0; i < parameter.size(); ++i) {
      const double g = gradient[i] * o.gradient_scale;
      parameter[i] *= 1 - o.learning_rate * o.weight_decay;
      first[i] = o.beta1 * first[i] + (1 - o.beta1) * g;
      second[i] = o.beta2 * second[i] + (1 - o.beta2) * g * g;
      const double corrected = first[i] / (1 - std::pow(o.beta1, static_cast<double>(o.step)));
      const double root = std::sqrt(second[i] / (1 - std::pow(o.beta2, static_cast<double>(o.step))));
      parameter[i] -= o.learning_rate * corrected / (root + o.eps);
    }
  }
};

TEST(AdamW, TwentySteps) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Context ctx(Device{}, 2);
    Random random(6);
    const Shape shape{7, 11};
    const Tensor master = random_tensor(ctx, DType::f32, shape, random);
    const Tensor parameter = dtype == DType::f32 ? master : poisoned(ctx, dtype, shape);
    const Tensor first = Tensor::zeros(DType::f32, shape);
    const Tensor second = Tensor::zeros(DType::f32, shape);
    Reference reference{values_of(ctx, master), Values(77), Values(77)};
    for (std::int64_t step = 1; step <= 20; ++step) {
      const Tensor gradient = random_tensor(ctx, DType::f32, shape, random, step % 2 == 0 ? 1e-3f : 10.0f);
      const AdamWOptions options{
          .learning_rate = 1e-2, .weight_decay = 0.1, .step = step, .gradient_scale = step == 5 ? 0.3 : 1.0};
      adamw_step(ctx, parameter, master, first, second, gradient, options);
      reference.step(values_of(ctx, gradient), options);
    }
    expect_near(values_of(ctx, master), reference.parameter, 1e-6, "master");
    expect_near(values_of(ctx, parameter), reference.parameter, dtype == DType::f32 ? 1e-6 : 0x1p-8,
                "parameter");
    expect_near(values_of(ctx, first), reference.first, 1e-5, "first");
    expect_near(values_of(ctx, second), reference.second, 1e-5, "second");
  }
}

TEST(AdamW, RefusesAStepOfZeroAndOtherShapes) {
  Context ctx(Device{}, 1);
  const Tensor a = Tensor::zeros(DType::f32, {3});
  const Tensor b = Tensor::zeros(DType::f32, {4});
  EXPECT_EQ(error_of([&] { adamw_step(ctx, a, a, a, a, a, {.step = 0}); }),
            "[adamw] step is 0, expected 1 or more");
  EXPECT_EQ(error_of([&] { adamw_step(ctx, a, a, a, a, b, {}); }),
            "[adamw] gradient has shape (4), expected (3)");
}

TEST(AdamW, RefusesWhatIsAbsentOrHasGaps) {
  Context ctx(Device{}, 1);
  const Tensor a = Tensor::zeros(DType::f32, {3, 4});
  const Tensor part = Tensor::zeros(DType::f32, {3, 8}).columns(0, 4);
  EXPECT_EQ(error_of([&] { adamw_step(ctx, a, a, Tensor(), a, a, {}); }), "[adamw] first is absent");
  EXPECT_EQ(error_of([&] { adamw_step(ctx, a, a, a, a, part, {}); }),
            "[adamw] gradient must be contiguous on the context's device");
  EXPECT_EQ(error_of([&] { sum_of_squares(ctx, std::array{Tensor()}); }), "[sum_of_squares] x is absent");
}

TEST(AdamW, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(9);
    const Shape shape{70000};
    const Tensor master = random_tensor(ctx, DType::f32, shape, random);
    const Tensor first = random_tensor(ctx, DType::f32, shape, random);
    const Tensor second = Tensor::zeros(DType::f32, shape);
    adamw_step(ctx, master, master, first, second, random_tensor(ctx, DType::f32, shape, random),
               {.learning_rate = 0.1, .weight_decay = 0.1});
    return values_of(ctx, master);
  });
}

// A weight of bf16 that is its own master, over many steps of a rate so low that rounding to nearest would
// leave it where it is: the mean over the elements moves as in f32, within four standard errors.
TEST(AdamW, StochasticRoundingHasNoBias) {
  Context ctx(Device{}, 2);
  const Shape shape{40000};
  const Tensor parameter = Tensor::allocate(DType::bf16, shape);
  fill(ctx, parameter, 1.0f);
  const Tensor first = Tensor::zeros(DType::f32, shape);
  const Tensor second = Tensor::zeros(DType::f32, shape);
  const Tensor gradient = Tensor::allocate(DType::f32, shape);
  fill(ctx, gradient, 1.0f);
  constexpr int steps = 50;
  constexpr double rate = 1e-4;  // under a tenth of the spacing 2^-8 below 1
  for (std::int64_t step = 1; step <= steps; ++step) {
    adamw_step(ctx, parameter, Tensor(), first, second, gradient,
               {.learning_rate = rate, .weight_decay = 0, .step = step, .seed = 3, .weight = 1});
  }
  double sum = 0;
  for (const double value : values_of(ctx, parameter)) sum += value;
  const double mean = sum / static_cast<double>(shape.count());
  // A rounding's variance is spacing * rate at most, so that of the mean is steps * spacing * rate /
  // elements.
  const double error = std::sqrt(steps * 0x1p-8 * rate / static_cast<double>(shape.count()));
  EXPECT_NEAR(mean, 1.0 - steps * rate, 4 * error);
}

TEST(AdamW, StochasticRoundingIsAFunctionOfSeedStepWeightAndElement) {
  const auto run = [](std::uint64_t seed, std::int64_t step, std::uint32_t weight, int threads) {
    Context ctx(Device{}, threads);
    Random random(5);
    const Shape shape{70001};
    const Tensor parameter = random_tensor(ctx, DType::bf16, shape, random);
    const Tensor gradient = random_tensor(ctx, DType::f32, shape, random);
    adamw_step(ctx, parameter, Tensor(), Tensor::zeros(DType::f32, shape), Tensor::zeros(DType::f32, shape),
               gradient, {.learning_rate = 1e-3, .step = step, .seed = seed, .weight = weight});
    return values_of(ctx, parameter);
  };
  const Values one = run(1, 1, 0, 1);
  EXPECT_EQ(one, run(1, 1, 0, 3));
  EXPECT_NE(one, run(2, 1, 0, 1));
  EXPECT_NE(one, run(1, 2, 0, 1));
  EXPECT_NE(one, run(1, 1, 1, 1));
}

TEST(AdamW, RefusesAnF32ParameterWithoutAMaster) {
  Context ctx(Device{}, 1);
  const Tensor a = Tensor::zeros(DType::f32, {3});
  EXPECT_EQ(error_of([&] { adamw_step(ctx, a, Tensor(), a, a, a, {}); }),
            "[adamw] master is absent and parameter f32, expected bf16");
}

TEST(SumOfSquares, OfSeveralTensors) {
  Context ctx(Device{}, 1);
  const float values[] = {1, -2, 3};
  const Tensor three = Tensor::from<float>(values, {3});
  EXPECT_EQ(sum_of_squares(ctx, std::array{three, Tensor::zeros(DType::f32, {0}), three.rows(1, 2)}), 18);
  EXPECT_EQ(sum_of_squares(ctx, {}), 0);
}

TEST(SumOfSquares, TheSameBitsAtAnyThreadCount) {
  expect_same_at_any_thread_count([](Context& ctx) {
    Random random(4);
    const Tensor x = random_tensor(ctx, DType::f32, {100003}, random);
    double expected = 0;
    for (const double value : values_of(ctx, x)) expected += value * value;
    const double sum = sum_of_squares(ctx, std::array{x});
    EXPECT_NEAR(sum, expected, 1e-9 * expected);
    return Values{sum};
  });
}

}  // namespace
}  // namespace artemis::test

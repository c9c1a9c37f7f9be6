// Every operation but attention, on the GPU against the CPU.
#include <numeric>

#include "artemis/kernels/activation.h"
#include "artemis/kernels/adamw.h"
#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rotary.h"
#include "artemis/kernels/rows.h"
#include "both.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

class CudaKernels : public OnBoth {};
ARTEMIS_ON_BOTH(CudaKernels);

struct Sizes {
  std::int64_t tokens, in, out;
};
constexpr Sizes linear_sizes[] = {{1, 64, 48}, {7, 33, 129}, {130, 300, 257}, {512, 256, 704}};

TEST_P(CudaKernels, LinearForward) {
  for (const auto& [tokens, in, out] : linear_sizes) {
    for (const Tensor& bias : {Tensor(), vector(out)}) {
      SCOPED_TRACE(tokens);
      const auto call = [](Context& ctx, Tensors t) { linear_forward(ctx, t[0], t[1], t[2], t[3]); };
      expect_same({matrix(tokens, out), matrix(tokens, in), matrix(out, in), bias}, call);
      expect_same({floats(tokens, out), matrix(tokens, in), matrix(out, in), bias}, call);
    }
  }
}

TEST_P(CudaKernels, LinearBackward) {
  for (const auto& [tokens, in, out] : linear_sizes) {
    for (const bool accumulate : {false, true}) {
      SCOPED_TRACE(tokens);
      expect_same({matrix(tokens, in), matrix(tokens, out), matrix(out, in)},
                  [&](Context& ctx, Tensors t) { linear_backward_input(ctx, t[0], t[1], t[2], accumulate); });
    }
    expect_same({floats(out, in), float_vector(out), matrix(tokens, out), matrix(tokens, in)},
                [](Context& ctx, Tensors t) { linear_backward_weight(ctx, t[0], t[1], t[2], t[3]); });
  }
}

constexpr Activation activations[] = {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu,
                                      Activation::relu, Activation::quick_gelu};

TEST_P(CudaKernels, Activations) {
  for (const Activation activation : activations) {
    expect_same({matrix(37, 83), matrix(37, 83)},
                [&](Context& ctx, Tensors t) { activation_forward(ctx, t[0], t[1], activation); });
    expect_same({matrix(37, 83), matrix(37, 83)},
                [&](Context& ctx, Tensors t) { activation_backward(ctx, t[0], t[0], t[1], activation); });
    expect_same({matrix(37, 83), matrix(37, 83), matrix(37, 83)},
                [&](Context& ctx, Tensors t) { gated_forward(ctx, t[0], t[1], t[2], activation); });
    expect_same(
        {matrix(37, 83), matrix(37, 83), matrix(37, 83), matrix(37, 83), matrix(37, 83)},
        [&](Context& ctx, Tensors t) { gated_backward(ctx, t[0], t[1], t[2], t[3], t[4], activation); });
  }
}

TEST_P(CudaKernels, Norms) {
  constexpr float eps = 1e-5f;
  for (const auto& [rows, cols] : {std::pair{1, 17}, std::pair{45, 192}, std::pair{300, 1024}}) {
    SCOPED_TRACE(rows);
    const Tensor x = matrix(rows, cols);
    const Tensor rstd = float_vector(rows);
    const Tensor mean = float_vector(rows);
    rms_norm_forward(cpu_, matrix(rows, cols), rstd, x, vector(cols), eps);
    expect_same({matrix(rows, cols), float_vector(rows), x, vector(cols)},
                [](Context& ctx, Tensors t) { rms_norm_forward(ctx, t[0], t[1], t[2], t[3], eps); });
    expect_same({matrix(rows, cols), float_vector(cols), x, vector(cols), rstd},
                [](Context& ctx, Tensors t) { rms_norm_backward(ctx, t[0], t[1], t[0], t[2], t[3], t[4]); });
    layer_norm_forward(cpu_, matrix(rows, cols), mean, rstd, x, vector(cols), vector(cols), eps);
    expect_same(
        {matrix(rows, cols), float_vector(rows), float_vector(rows), x, vector(cols), vector(cols)},
        [](Context& ctx, Tensors t) { layer_norm_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], eps); });
    expect_same({matrix(rows, cols), float_vector(cols), float_vector(cols), x, vector(cols), mean, rstd},
                [](Context& ctx, Tensors t) {
                  layer_norm_backward(ctx, t[0], t[1], t[2], t[0], t[3], t[4], t[5], t[6]);
                });
    expect_same({matrix(rows, cols), x, vector(cols), vector(cols), mean, rstd}, [](Context& ctx, Tensors t) {
      layer_norm_backward(ctx, t[0], Tensor(), Tensor(), t[0], t[1], t[2], t[4], t[5]);
    });
    expect_same(
        {matrix(rows, cols), matrix(rows, cols), float_vector(cols), x, vector(cols), rstd},
        [](Context& ctx, Tensors t) { rms_norm_backward(ctx, t[0], t[2], t[1], t[3], t[4], t[5], t[0]); });
    expect_same({matrix(rows, cols), matrix(rows, cols), matrix(rows, cols), x, vector(cols), mean, rstd},
                [](Context& ctx, Tensors t) {
                  layer_norm_backward(ctx, t[0], Tensor(), Tensor(), t[1], t[3], t[4], t[5], t[6], t[2]);
                });
  }
}

TEST_P(CudaKernels, Rotary) {
  constexpr std::int64_t head_dim = 24;
  for (const std::int64_t pairs : {head_dim / 2, head_dim / 4}) {
    expect_same({matrix(41, 3 * head_dim), floats(41, pairs, 0), floats(41, pairs, 0)},
                [](Context& ctx, Tensors t) { rotary_forward(ctx, t[0], t[1], t[2], head_dim); });
    expect_same({matrix(41, 3 * head_dim), floats(41, pairs, 0), floats(41, pairs, 0)},
                [](Context& ctx, Tensors t) { rotary_backward(ctx, t[0], t[1], t[2], head_dim); });
  }
}

TEST_P(CudaKernels, Rows) {
  std::vector<std::int32_t> places(50);
  std::iota(places.begin(), places.end(), 3);
  std::swap(places[0], places[49]);
  const Tensor distinct = Tensor::from<std::int32_t>(places, {50});
  expect_same({matrix(50, 37), matrix(60, 37), distinct},
              [](Context& ctx, Tensors t) { gather_rows(ctx, t[0], t[1], t[2]); });
  expect_same({matrix(60, 37), matrix(50, 37), distinct},
              [](Context& ctx, Tensors t) { scatter_rows(ctx, t[0], t[1], t[2]); });
  // More entries than a block has threads, many of them for the same row.
  const Tensor repeated = indices(900, 1, 23).view({900});
  expect_same({floats(23, 300), matrix(900, 300), repeated},
              [](Context& ctx, Tensors t) { scatter_add_rows(ctx, t[0], t[1], t[2]); });
  const Tensor taps = indices(300, 4, 31);
  expect_same({matrix(300, 45), matrix(31, 45), taps, floats(300, 4)},
              [](Context& ctx, Tensors t) { interpolate_rows_forward(ctx, t[0], t[1], t[2], t[3]); });
  expect_same({floats(31, 45), matrix(300, 45), taps, floats(300, 4)},
              [](Context& ctx, Tensors t) { interpolate_rows_backward(ctx, t[0], t[1], t[2], t[3]); });
}

TEST_P(CudaKernels, AddConvertFill) {
  expect_same({matrix(37, 83), matrix(37, 83)}, [](Context& ctx, Tensors t) { add(ctx, t[0], t[0], t[1]); });
  expect_same({matrix(37, 83), floats(37, 83)}, [](Context& ctx, Tensors t) { convert(ctx, t[0], t[1]); });
  expect_same({floats(37, 83), matrix(37, 83)}, [](Context& ctx, Tensors t) { convert(ctx, t[0], t[1]); });
  expect_same({matrix(37, 83)}, [](Context& ctx, Tensors t) { fill(ctx, t[0], 0.75f); });
  expect_same({vector(300), float_vector(300)}, [](Context& ctx, Tensors t) {
    const Tensor half = ctx.allocate(DType::f16, {300});
    convert(ctx, half, t[1]);
    convert(ctx, t[0], half);
  });
}

TEST_P(CudaKernels, CrossEntropy) {
  for (const std::int64_t vocabulary : {7, 1000, 4099}) {
    const Tensor logits = matrix(40, vocabulary);
    const Tensor labels = indices(40, 1, static_cast<std::uint64_t>(vocabulary)).view({40});
    const Tensor lse = float_vector(40);
    cross_entropy_forward(cpu_, float_vector(40), lse, logits, labels);
    expect_same({float_vector(40), float_vector(40), logits, labels},
                [](Context& ctx, Tensors t) { cross_entropy_forward(ctx, t[0], t[1], t[2], t[3]); });
    expect_same({logits, lse, labels},
                [](Context& ctx, Tensors t) { cross_entropy_backward(ctx, t[0], t[0], t[1], t[2], 0.25f); });
  }
}

TEST_P(CudaKernels, AdamW) {
  const AdamWOptions options{.learning_rate = 1e-2, .weight_decay = 0.1, .step = 3, .gradient_scale = 0.5};
  Tensor second = float_vector(5000);
  for (float& value : second.mutable_values<float>()) value *= value;
  expect_same({vector(5000), float_vector(5000), float_vector(5000), second, float_vector(5000)},
              [&](Context& ctx, Tensors t) { adamw_step(ctx, t[0], t[1], t[2], t[3], t[4], options); });
  if (dtype() == DType::f32) {
    expect_same({vector(5000), float_vector(5000), second, float_vector(5000)},
                [&](Context& ctx, Tensors t) { adamw_step(ctx, t[0], t[0], t[1], t[2], t[3], options); });
  }
}

// Without a master, where the bits of the rounding are the same on both; a value may still fall to the other
// side where the two update it in another order.
TEST_P(CudaKernels, AdamWStochasticRounding) {
  if (dtype() != DType::bf16) GTEST_SKIP() << "of weights in bf16";
  const AdamWOptions options{.learning_rate = 1e-2, .weight_decay = 0.1, .step = 3, .seed = 5, .weight = 2};
  Tensor second = float_vector(5000);
  for (float& value : second.mutable_values<float>()) value *= value;
  expect_same({vector(5000), float_vector(5000), second, float_vector(5000)},
              [&](Context& ctx, Tensors t) { adamw_step(ctx, t[0], Tensor(), t[1], t[2], t[3], options); });
}

// Three steps from nothing; a code may differ by one where a value lies between two.
TEST_P(CudaKernels, AdamW8) {
  const Shape shape{5000};
  const Tensor weight = vector(5000);
  std::vector<Tensor> gradients;
  for (int step = 0; step < 3; ++step) gradients.push_back(float_vector(5000));
  const auto run = [&](Context& ctx) {
    const Tensor parameter = Tensor::allocate(dtype(), shape, ctx.device());
    copy(parameter, weight);
    const Tensor master = dtype() == DType::f32 ? parameter : Tensor();
    const Moment8 first = zero_moment8(shape, ctx.device());
    const Moment8 second = zero_moment8(shape, ctx.device());
    for (std::int64_t step = 1; step <= 3; ++step) {
      adamw8_step(ctx, parameter, master, first, second,
                  gradients[static_cast<std::size_t>(step - 1)].to(ctx.device()),
                  {.learning_rate = 1e-2, .weight_decay = 0.1, .step = step, .gradient_scale = 0.5});
    }
    ctx.synchronize();
    return std::array{parameter.to(Device{}), first.codes.to(Device{}), first.scales.to(Device{}),
                      second.codes.to(Device{}), second.scales.to(Device{})};
  };
  const auto expected = run(cpu_);
  const auto actual = run(*gpu_);
  for (const std::size_t i : {0u, 2u, 4u})
    EXPECT_LE(difference(actual[i], expected[i]), dtype() == DType::f32 ? 1e-3 : 2e-2) << i;
  for (const std::size_t i : {1u, 3u}) {
    int others = 0;
    for (std::int64_t k = 0; k < shape.count(); ++k) {
      const int gap = actual[i].data<std::uint8_t>()[k] - expected[i].data<std::uint8_t>()[k];
      EXPECT_LE(std::abs(gap), 1) << i << ", element " << k;
      others += gap != 0 ? 1 : 0;
    }
    EXPECT_LE(others, 10) << i;
  }
}

TEST_P(CudaKernels, Multiply) {
  expect_same({matrix(37, 83)}, [](Context& ctx, Tensors t) { multiply(ctx, t[0], 0.375f); });
}

TEST_P(CudaKernels, SumOfSquares) {
  for (const std::int64_t count : {1, 16384, 100003}) {
    const Tensor x = float_vector(count);
    const std::array here = {x, float_vector(33), float_vector(40000)};
    std::vector<Tensor> there;
    for (const Tensor& tensor : here) there.push_back(tensor.to(gpu_->device()));
    const double expected = sum_of_squares(cpu_, here);
    const double actual = sum_of_squares(*gpu_, there);
    EXPECT_NEAR(actual, expected, 1e-12 * expected);
    EXPECT_EQ(actual, sum_of_squares(*gpu_, there));
  }
}

TEST_P(CudaKernels, NothingToDo) {
  expect_same({matrix(0, 8), matrix(0, 4), matrix(8, 4), floats(8, 4), float_vector(8)},
              [](Context& ctx, Tensors t) {
                linear_forward(ctx, t[0], t[1], t[2], Tensor());
                linear_backward_input(ctx, t[1], t[0], t[2], false);
                linear_backward_weight(ctx, t[3], t[4], t[0], t[1]);
                activation_forward(ctx, t[0], t[0], Activation::silu);
                add(ctx, t[0], t[0], t[0]);
                fill(ctx, t[0], 1.0f);
              });
}

}  // namespace
}  // namespace artemis::testing

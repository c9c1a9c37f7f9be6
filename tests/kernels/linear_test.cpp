#include "artemis/kernels/linear.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

#include "artemis/kernels/cpu/micro.h"
#include "random_tensor.h"

namespace artemis {
namespace {

using testing::random_matrix;
using testing::random_vector;
using testing::relative_error;
using testing::same_bits;
using testing::value_at;

struct Case {
  std::int64_t tokens, n, k;
};

// Few rows, whole tiles of 256, and odd remainders of both.
const Case cases[] = {{1, 1, 1},    {1, 70, 33},  {3, 129, 17}, {8, 64, 100},   {9, 65, 31},    {15, 33, 65},
                      {16, 65, 31}, {40, 300, 7}, {257, 5, 50}, {300, 270, 64}, {512, 256, 128}};

// Rounding of a sum of k products grows like sqrt(k); the output's own rounding comes on top.
double tolerance(DType out, std::int64_t k) {
  const double sums = 1.2e-7 * (4 + 2 * std::sqrt(static_cast<double>(k)));
  return out == DType::f32 ? sums : sums + 1.0 / 256;
}

std::vector<double> product(const Tensor& x, const Tensor& w, const Tensor& bias) {
  std::vector<double> out;
  for (std::int64_t t = 0; t < x.dim(0); ++t) {
    for (std::int64_t j = 0; j < w.dim(0); ++j) {
      double sum = bias ? value_at(bias.view({1, bias.dim(0)}), 0, j) : 0;
      for (std::int64_t i = 0; i < x.dim(1); ++i) sum += value_at(x, t, i) * value_at(w, j, i);
      out.push_back(sum);
    }
  }
  return out;
}

TEST(Linear, ForwardEqualsDoublePrecision) {
  Random random(1);
  Context ctx({}, 2);
  for (const auto& [tokens, n, k] : cases) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const DType out_dtype : {DType::f32, dtype}) {
        for (const bool with_bias : {false, true}) {
          const Tensor x = random_matrix(random, dtype, tokens, k, 6);
          const Tensor w = random_matrix(random, dtype, n, k, 10);
          const Tensor bias = with_bias ? random_vector(random, dtype, n) : Tensor();
          const Tensor out = random_matrix(random, out_dtype, tokens, n, 4);
          linear_forward(ctx, out, x, w, bias);
          EXPECT_LE(relative_error(out, product(x, w, bias)), tolerance(out_dtype, k))
              << tokens << " " << n << " " << k << " " << dtype_name(dtype) << " " << dtype_name(out_dtype);
        }
      }
    }
  }
}

double applied(Activation activation, double x) {
  switch (activation) {
    case Activation::gelu_erf:
      return x * 0.5 * (1 + std::erf(x * std::sqrt(0.5)));
    case Activation::gelu_tanh:
      return x * 0.5 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
  }
  return 0;
}

// f(x w^T + bias) + residual, in this order, each part present or not; bf16 is rounded three times.
TEST(Linear, EpilogueEqualsDoublePrecision) {
  const std::optional<Activation> activations[] = {std::nullopt,          Activation::gelu_erf,
                                                   Activation::gelu_tanh, Activation::silu,
                                                   Activation::relu,      Activation::quick_gelu};
  Random random(7);
  Context ctx({}, 2);
  for (const auto& [tokens, n, k] :
       {Case{1, 33, 13}, Case{7, 33, 13}, Case{40, 70, 64}, Case{300, 129, 31}}) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const auto& activation : activations) {
        for (const bool with_bias : {false, true}) {
          for (const bool with_residual : {false, true}) {
            const Tensor x = random_matrix(random, dtype, tokens, k, 6);
            const Tensor w = random_matrix(random, dtype, n, k, 10);
            const Tensor bias = with_bias ? random_vector(random, dtype, n) : Tensor();
            const Tensor residual = with_residual ? random_matrix(random, dtype, tokens, n, 2) : Tensor();
            const Tensor out = random_matrix(random, dtype, tokens, n, 4);
            std::vector<double> expected = product(x, w, bias);
            for (std::size_t i = 0; i < expected.size(); ++i) {
              const auto at = static_cast<std::int64_t>(i);
              if (activation) expected[i] = applied(*activation, expected[i]);
              if (residual) expected[i] += value_at(residual, at / n, at % n);
            }
            linear_forward(ctx, out, x, w, bias, {.activation = activation, .residual = residual});
            const double bound = dtype == DType::f32 ? tolerance(dtype, k) : tolerance(dtype, k) + 2.0 / 256;
            EXPECT_LE(relative_error(out, expected), bound)
                << tokens << " " << n << " " << k << " " << dtype_name(dtype) << " "
                << (activation ? static_cast<int>(*activation) : -1) << with_bias << with_residual;
          }
        }
      }
    }
  }
}

// The gate and the other half of the product, with weights that lie together or apart.
TEST(Linear, GatedEqualsDoublePrecision) {
  Random random(8);
  Context ctx({}, 2);
  for (const auto& [tokens, n, k] : {Case{1, 33, 13}, Case{7, 33, 13}, Case{300, 129, 31}}) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const Tensor x = random_matrix(random, dtype, tokens, k, 6);
      const Tensor both = random_matrix(random, dtype, 2 * n, k);
      const Tensor gate = both.rows(0, n);
      for (const Tensor& up : {both.rows(n, 2 * n), random_matrix(random, dtype, n, k, 10)}) {
        const Tensor out = random_matrix(random, dtype, tokens, n, 4);
        std::vector<double> expected = product(x, gate, Tensor());
        const std::vector<double> other = product(x, up, Tensor());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          expected[i] = applied(Activation::silu, expected[i]) * other[i];
        }
        gated_linear_forward(ctx, out, x, gate, up, Activation::silu);
        const double bound = dtype == DType::f32 ? 2 * tolerance(dtype, k) : tolerance(dtype, k) + 3.0 / 256;
        EXPECT_LE(relative_error(out, expected), bound) << tokens << " " << dtype_name(dtype);
      }
    }
  }
}

TEST(Linear, BackwardInputEqualsDoublePrecision) {
  Random random(2);
  Context ctx({}, 2);
  for (const auto& [tokens, n, k] : cases) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const bool accumulate : {false, true}) {
        const Tensor d_out = random_matrix(random, dtype, tokens, n, 2);
        const Tensor w = random_matrix(random, dtype, n, k, 4);
        const Tensor d_x = random_matrix(random, dtype, tokens, k, 6);
        std::vector<double> expected;
        for (std::int64_t t = 0; t < tokens; ++t) {
          for (std::int64_t i = 0; i < k; ++i) {
            double sum = accumulate ? value_at(d_x, t, i) : 0;
            for (std::int64_t j = 0; j < n; ++j) sum += value_at(d_out, t, j) * value_at(w, j, i);
            expected.push_back(sum);
          }
        }
        linear_backward_input(ctx, d_x, d_out, w, accumulate);
        EXPECT_LE(relative_error(d_x, expected), tolerance(dtype, n)) << tokens << " " << n << " " << k;
      }
    }
  }
}

TEST(Linear, BackwardWeightAddsToWhatIsThere) {
  Random random(3);
  Context ctx({}, 2);
  for (const auto& [tokens, n, k] : cases) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const Tensor d_out = random_matrix(random, dtype, tokens, n, 2);
      const Tensor x = random_matrix(random, dtype, tokens, k, 4);
      const Tensor d_w = random_matrix(random, DType::f32, n, k, 6);
      const Tensor d_bias = random_vector(random, DType::f32, n);
      std::vector<double> expected;
      std::vector<double> expected_bias;
      for (std::int64_t j = 0; j < n; ++j) {
        expected_bias.push_back(value_at(d_bias.view({1, n}), 0, j));
        for (std::int64_t t = 0; t < tokens; ++t) expected_bias.back() += value_at(d_out, t, j);
        for (std::int64_t i = 0; i < k; ++i) {
          double sum = value_at(d_w, j, i);
          for (std::int64_t t = 0; t < tokens; ++t) sum += value_at(d_out, t, j) * value_at(x, t, i);
          expected.push_back(sum);
        }
      }
      linear_backward_weight(ctx, d_w, d_bias, d_out, x);
      EXPECT_LE(relative_error(d_w, expected), tolerance(DType::f32, tokens));
      EXPECT_LE(relative_error(d_bias.view({1, n}), expected_bias), tolerance(DType::f32, tokens));
      linear_backward_weight(ctx, Tensor(), Tensor(), d_out, x);
    }
  }
}

TEST(Linear, TheNumberOfThreadsChangesNoBit) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t tokens : {2, 300}) {
      Tensor first_out, first_d_x, first_d_w;
      for (const int threads : {1, 2, 5}) {
        Random random(4);
        Context ctx({}, threads);
        const Tensor x = random_matrix(random, dtype, tokens, 96);
        const Tensor w = random_matrix(random, dtype, 530, 96);
        const Tensor bias = random_vector(random, dtype, 530);
        const Tensor out = Tensor::allocate(dtype, {tokens, 530});
        const Tensor d_x = Tensor::allocate(dtype, {tokens, 96});
        const Tensor d_w = Tensor::zeros(DType::f32, {530, 96});
        linear_forward(ctx, out, x, w, bias);
        linear_backward_input(ctx, d_x, out, w, false);
        linear_backward_weight(ctx, d_w, Tensor(), out, x);
        if (threads == 1) {
          first_out = out, first_d_x = d_x, first_d_w = d_w;
          continue;
        }
        EXPECT_TRUE(same_bits(out, first_out));
        EXPECT_TRUE(same_bits(d_x, first_d_x));
        EXPECT_TRUE(same_bits(d_w, first_d_w));
      }
    }
  }
}

// Decoding several conversations at once gives each what it would get alone.
TEST(Linear, FewRowsDoNotDependOnEachOther) {
  Random random(5);
  Context ctx({}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = random_matrix(random, dtype, 15, 131);
    const Tensor w = random_matrix(random, dtype, 75, 131);
    const Tensor out = Tensor::allocate(dtype, {15, 75});
    linear_forward(ctx, out, x, w, Tensor());
    for (std::int64_t rows = 1; rows < 15; ++rows) {
      const Tensor some = Tensor::allocate(dtype, {rows, 75});
      linear_forward(ctx, some, x.rows(15 - rows, 15), w, Tensor());
      EXPECT_TRUE(same_bits(some, out.rows(15 - rows, 15))) << rows;
    }
  }
}

// A conversation's logits do not depend on what else is in the batch: remainders of a tile short and long.
// oneDNN's products for AVX2 sum in an order that the number of rows decides.
TEST(Linear, ManyRowsDoNotDependOnEachOther) {
  if (std::string_view(cpu::micro_kernels().name) != "avx512") GTEST_SKIP() << "needs AVX-512";
  Random random(6);
  Context ctx({}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = random_matrix(random, dtype, 540, 131);
    const Tensor w = random_matrix(random, dtype, 75, 131);
    const Tensor out = Tensor::allocate(dtype, {540, 75});
    linear_forward(ctx, out, x, w, Tensor());
    for (const std::int64_t rows : {16, 17, 100, 255, 256, 257, 271, 272, 273, 513}) {
      const Tensor some = Tensor::allocate(dtype, {rows, 75});
      linear_forward(ctx, some, x.rows(540 - rows, 540), w, Tensor());
      EXPECT_TRUE(same_bits(some, out.rows(540 - rows, 540))) << rows;
    }
  }
}

TEST(Linear, NoTokensIsNoWork) {
  Context ctx;
  const Tensor w = Tensor::zeros(DType::f32, {3, 4});
  const Tensor d_w = Tensor::zeros(DType::f32, {3, 4});
  const Tensor x = Tensor::allocate(DType::f32, {0, 4});
  const Tensor out = Tensor::allocate(DType::f32, {0, 3});
  linear_forward(ctx, out, x, w, Tensor());
  linear_backward_input(ctx, x, out, w, false);
  linear_backward_weight(ctx, d_w, Tensor(), out, x);
  EXPECT_TRUE(same_bits(d_w, Tensor::zeros(DType::f32, {3, 4})));
}

template <typename Call>
void expect_error(Call call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Linear, BadArgumentsAreNamed) {
  Context ctx;
  const auto zeros = [](DType dtype, std::int64_t rows, std::int64_t cols) {
    return Tensor::zeros(dtype, {rows, cols});
  };
  const Tensor x = zeros(DType::f32, 2, 4);
  const Tensor w = zeros(DType::f32, 3, 4);
  const Tensor out = zeros(DType::f32, 2, 3);
  expect_error([&] { linear_forward(ctx, out, x, zeros(DType::f32, 3, 5), Tensor()); },
               "[linear_forward] weight has shape (3, 5)");
  expect_error([&] { linear_forward(ctx, zeros(DType::f32, 2, 4), x, w, Tensor()); },
               "[linear_forward] out has shape");
  expect_error([&] { linear_forward(ctx, out, x, zeros(DType::bf16, 3, 4), Tensor()); },
               "[linear_forward] weight is bf16, expected f32");
  expect_error([&] { linear_forward(ctx, zeros(DType::bf16, 2, 3), x, w, Tensor()); },
               "[linear_forward] out is bf16");
  expect_error([&] { linear_forward(ctx, out, Tensor(), w, Tensor()); }, "[linear_forward] x is absent");
  expect_error(
      [&] {
        linear_forward(ctx, zeros(DType::f32, 2, 3), zeros(DType::f32, 2, 0), zeros(DType::f32, 3, 0),
                       Tensor());
      },
      "[linear_forward] x has no columns");
  expect_error([&] { linear_backward_input(ctx, zeros(DType::f32, 2, 5), out, w, false); },
               "[linear_backward_input] d_x has shape");
  expect_error([&] { linear_backward_weight(ctx, zeros(DType::bf16, 3, 4), Tensor(), out, x); },
               "[linear_backward_weight] d_weight is bf16, expected f32");
}

}  // namespace
}  // namespace artemis

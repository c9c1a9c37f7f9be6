// Products on the GPU: every epilogue beside the CPU's, sizes that no vector load fits, the sizes of the true
// model, and plans that stay.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/plan_file.h"
#include "artemis/kernels/rows.h"
#include "both.h"
#include "support/files.h"

namespace artemis {
namespace {

using testing::OnBoth;
using testing::same_bits;

// The plans of these tests lie in a folder of their own.
class OwnCache : public ::testing::Environment {
 public:
  void SetUp() override { setenv("ARTEMIS_CACHE_DIR", folder_.path().c_str(), 1); }

 private:
  test::TemporaryFolder folder_;
};
const ::testing::Environment* const own_cache = ::testing::AddGlobalTestEnvironment(new OwnCache);

struct Size {
  std::int64_t tokens, n, k;
};

// One row, odd ones, whole tiles, and enough work to be measured.
const Size sizes[] = {{1, 40, 3}, {7, 33, 13}, {64, 128, 64}, {257, 130, 72}, {300, 512, 256}};

const std::optional<Activation> activations[] = {
    std::nullopt,     Activation::gelu_erf, Activation::gelu_tanh,
    Activation::silu, Activation::relu,     Activation::quick_gelu,
};

using Products = OnBoth;
ARTEMIS_ON_BOTH(Products);

// `gap` columns lie between the rows; 5 makes strides that no vector load fits, 16 such as all do.
TEST_P(Products, EveryEpilogue) {
  for (const auto& [tokens, n, k] : sizes) {
    for (const std::int64_t gap : {0, 5, 16}) {
      for (const auto& activation : activations) {
        for (const bool with_bias : {false, true}) {
          for (const bool with_residual : {false, true}) {
            SCOPED_TRACE(::testing::Message()
                         << tokens << " x " << n << " x " << k << ", gap " << gap << ", "
                         << (activation ? static_cast<int>(*activation) : -1) << with_bias << with_residual);
            const Tensor bias = with_bias ? vector(n) : Tensor();
            const Tensor residual = with_residual ? matrix(tokens, n, gap) : Tensor();
            expect_same({matrix(tokens, n, gap), matrix(tokens, k, gap), matrix(n, k, gap), bias, residual},
                        [&](Context& ctx, std::span<const Tensor> t) {
                          linear_forward(ctx, t[0], t[1], t[2], t[3],
                                         {.activation = activation, .residual = t[4]});
                        });
          }
        }
      }
    }
  }
}

// Every pointer aligned to its element alone.
TEST_P(Products, OddStarts) {
  for (const auto& [tokens, n, k] : sizes) {
    for (const auto& activation : activations) {
      SCOPED_TRACE(::testing::Message() << tokens << " x " << n << " x " << k << ", "
                                        << (activation ? static_cast<int>(*activation) : -1));
      expect_same({matrix(tokens, n + 1, 7), matrix(tokens, k + 1, 7), matrix(n, k + 1, 7), vector(n + 1),
                   matrix(tokens, n + 1, 7)},
                  [&, n = n, k = k](Context& ctx, std::span<const Tensor> t) {
                    const Tensor out = t[0].columns(1, n + 1);
                    const Tensor x = t[1].columns(1, k + 1), w = t[2].columns(1, k + 1);
                    linear_forward(ctx, out, x, w, t[3].rows(1, n + 1), {.activation = activation});
                    linear_backward_input(ctx, x, t[4].columns(1, n + 1), w, true);
                  });
    }
  }
}

// Logits: f32 from bf16, which has no bias of the output's type.
TEST_P(Products, OutputInF32) {
  for (const auto& [tokens, n, k] : sizes) {
    for (const bool with_bias : {false, true}) {
      expect_same({floats(tokens, n), matrix(tokens, k), matrix(n, k), with_bias ? vector(n) : Tensor(),
                   floats(tokens, n)},
                  [](Context& ctx, std::span<const Tensor> t) {
                    linear_forward(ctx, t[0], t[1], t[2], t[3],
                                   {.activation = Activation::relu, .residual = t[4]});
                  });
    }
  }
}

TEST_P(Products, GradientsOfOddSizes) {
  for (const auto& [tokens, n, k] : sizes) {
    for (const bool accumulate : {false, true}) {
      expect_same({matrix(tokens, k), matrix(tokens, n), matrix(n, k)},
                  [&](Context& ctx, std::span<const Tensor> t) {
                    linear_backward_input(ctx, t[0], t[1], t[2], accumulate);
                  });
    }
    expect_same(
        {floats(n, k), float_vector(n), matrix(tokens, n), matrix(tokens, k)},
        [](Context& ctx, std::span<const Tensor> t) { linear_backward_weight(ctx, t[0], t[1], t[2], t[3]); });
  }
}

TEST_P(Products, GatedWithWeightsTogetherAndApart) {
  for (const auto& [tokens, n, k] : sizes) {
    expect_same({matrix(tokens, n), matrix(tokens, k), matrix(n, k), matrix(n, k)},
                [](Context& ctx, std::span<const Tensor> t) {
                  gated_linear_forward(ctx, t[0], t[1], t[2], t[3], Activation::silu);
                });
    expect_same({matrix(tokens, n), matrix(tokens, k), matrix(2 * n, k, 0)},
                [n = n](Context& ctx, std::span<const Tensor> t) {
                  gated_linear_forward(ctx, t[0], t[1], t[2].rows(0, n), t[2].rows(n, 2 * n),
                                       Activation::silu);
                });
  }
}

// The true model's tower and projector, whose sizes the CPU can follow: a layer of each kind.
TEST_P(Products, TrueSizes) {
  const Size true_sizes[] = {{1024, 1024, 1536}, {1024, 4096, 1024}, {256, 5120, 2048}, {280, 6144, 5120}};
  for (const auto& [tokens, n, k] : true_sizes) {
    SCOPED_TRACE(::testing::Message() << tokens << " x " << n << " x " << k);
    expect_same(
        {matrix(tokens, n, 0), matrix(tokens, k, 0), matrix(n, k, 0), vector(n), matrix(tokens, n, 0)},
        [](Context& ctx, std::span<const Tensor> t) {
          linear_forward(ctx, t[0], t[1], t[2], t[3], {.activation = {}, .residual = t[4]});
        });
    expect_same({floats(n, k, 0), matrix(tokens, n, 0), matrix(tokens, k, 0)},
                [](Context& ctx, std::span<const Tensor> t) {
                  linear_backward_weight(ctx, t[0], Tensor(), t[1], t[2]);
                });
  }
}

class ProductPlans : public ::testing::Test {
 protected:
  void SetUp() override { ARTEMIS_NEED_GPU(gpu_); }

  // A product of the decoder's size: out, d_x and d_w, the latter added to ones that are there.
  std::vector<Tensor> results(Context& ctx, std::int64_t tokens) const {
    const std::int64_t n = 1536, k = 1280;
    const auto normal = [&ctx](std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
      const Tensor tensor = ctx.allocate(DType::bf16, {rows, cols});
      fill_normal(ctx, tensor, 1.0f, 9, stream);
      return tensor;
    };
    const Arena::Scope scope(ctx.arena());
    const Tensor x = normal(tokens, k, 1), w = normal(n, k, 2), bias = normal(1, n, 3).view({n});
    const Tensor out = normal(tokens, n, 4), d_x = normal(tokens, k, 5);
    const Tensor d_w = ctx.allocate(DType::f32, {n, k});
    fill(ctx, d_w, 1.0f);
    linear_forward(ctx, out, x, w, bias);
    linear_backward_input(ctx, d_x, out, w, true);
    linear_backward_weight(ctx, d_w, Tensor(), out, x);
    ctx.synchronize();
    return {out.to(Device{}), d_x.to(Device{}), d_w.to(Device{})};
  }

  void expect_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) const {
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i], b[i])) << i;
  }

  std::unique_ptr<Context> gpu_;
};

TEST_F(ProductPlans, TheSameBitsInEveryCallAndContext) {
  for (const std::int64_t tokens : {40, 301, 960}) {
    const std::vector<Tensor> first = results(*gpu_, tokens);
    expect_equal(results(*gpu_, tokens), first);
    Context other(gpu_->device(), 1);
    expect_equal(results(other, tokens), first);
  }
}

// Sums of so many terms that tiles of unusual sizes are tried, beside products of a few of the rows.
TEST_F(ProductPlans, LargeProductsAreThoseOfTheirRows) {
  Context& ctx = *gpu_;
  const std::int64_t tokens = 3000, n = 4104, k = 5120;
  const Arena::Scope scope(ctx.arena());
  const auto normal = [&ctx](std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    const Tensor tensor = ctx.allocate(DType::bf16, {rows, cols});
    fill_normal(ctx, tensor, 1.0f, 9, stream);
    return tensor;
  };
  const Tensor x = normal(tokens, k, 1), w = normal(n, k, 2), residual = normal(tokens, n, 3);
  const Tensor out = normal(tokens, n, 4), d_x = normal(tokens, k, 5);
  linear_forward(ctx, out, x, w, Tensor(), {.activation = {}, .residual = residual});
  linear_backward_input(ctx, d_x, out, w, false);
  for (const std::int64_t begin : {std::int64_t{0}, std::int64_t{1400}, tokens - 40}) {
    const std::int64_t end = begin + 40;
    const Tensor few = ctx.allocate(DType::bf16, {40, n}), d_few = ctx.allocate(DType::bf16, {40, k});
    linear_forward(ctx, few, x.rows(begin, end), w, Tensor(),
                   {.activation = {}, .residual = residual.rows(begin, end)});
    linear_backward_input(ctx, d_few, out.rows(begin, end), w, false);
    ctx.synchronize();
    EXPECT_LE(testing::difference(out.rows(begin, end).to(Device{}), few.to(Device{})), 2e-2) << begin;
    EXPECT_LE(testing::difference(d_x.rows(begin, end).to(Device{}), d_few.to(Device{})), 2e-2) << begin;
  }
}

TEST_F(ProductPlans, WhatIsMeasuredIsWritten) {
  results(*gpu_, 777);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(cache_folder())) {
    ++files;
    EXPECT_EQ(entry.path().extension(), ".plans");
    EXPECT_GT(std::filesystem::file_size(entry.path()), 3 * 128u);  // three algorithms in hexadecimal digits
  }
  EXPECT_EQ(files, 1u);
}

}  // namespace
}  // namespace artemis

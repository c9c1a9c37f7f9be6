// The elementwise and row kernels on the GPU against the CPU, at the widths of the true model: rows that fill
// whole accesses, in blocks of every size.
#include <numeric>

#include "artemis/kernels/activation.h"
#include "artemis/kernels/adamw.h"
#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rotary.h"
#include "artemis/kernels/rows.h"
#include "both.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

class CudaTrueSize : public OnBoth {
 protected:
  // Distinct indices below `bound`, in no order.
  Tensor distinct(std::int64_t count, std::int64_t bound) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(bound));
    std::iota(all.begin(), all.end(), 0);
    for (std::size_t i = all.size() - 1; i > 0; --i) std::swap(all[i], all[random_.below(i + 1)]);
    all.resize(static_cast<std::size_t>(count));
    return Tensor::from<std::int32_t>(all, {count});
  }
};
ARTEMIS_ON_BOTH(CudaTrueSize);

constexpr std::int64_t hidden = 5120;
constexpr std::int64_t intermediate = 14336;
constexpr std::int64_t q_width = 4096;
constexpr std::int64_t kv_width = 1024;
constexpr std::int64_t head_dim = 128;
constexpr std::int64_t vocabulary = 131072;
constexpr float eps = 1e-5f;

// Gate and up are halves of one product, and their gradients take their places.
TEST_P(CudaTrueSize, GatedProduct) {
  for (const std::int64_t tokens : {1, 67}) {
    SCOPED_TRACE(tokens);
    const Tensor product = matrix(tokens, 2 * intermediate, 0);
    const auto gate = [](const Tensor& t) { return t.columns(0, intermediate); };
    const auto up = [](const Tensor& t) { return t.columns(intermediate, 2 * intermediate); };
    expect_same({matrix(tokens, intermediate, 0), product}, [&](Context& ctx, Tensors t) {
      gated_forward(ctx, t[0], gate(t[1]), up(t[1]), Activation::silu);
    });
    expect_same({matrix(tokens, intermediate, 0), product}, [&](Context& ctx, Tensors t) {
      gated_backward(ctx, gate(t[1]), up(t[1]), t[0], gate(t[1]), up(t[1]), Activation::silu);
    });
  }
}

TEST_P(CudaTrueSize, Activations) {
  for (const Activation activation : {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu}) {
    const Tensor x = random_matrix(random_, dtype(), 130, 4096, 16, 3.0f);
    expect_same({matrix(130, 4096, 0), x},
                [&](Context& ctx, Tensors t) { activation_forward(ctx, t[0], t[1], activation); });
    expect_same({matrix(130, 4096, 8), x},
                [&](Context& ctx, Tensors t) { activation_backward(ctx, t[0], t[0], t[1], activation); });
  }
}

// One row, few, and more than are done at once; columns that leave threads without a pack; more than
// registers hold.
struct MatrixSize {
  std::int64_t rows, cols, gap;
};
constexpr MatrixSize norm_sizes[] = {{1, hidden, 0},      {1100, 1024, 0}, {1100, 512, 8}, {210, hidden, 8},
                                     {131, hidden, 8},    {300, 1024, 0},  {150, 4096, 0}, {140, 1032, 16},
                                     {3, 8200, 0},        {2, 33000, 0},   {129, 8208, 0}, {131, 1024, 5},
                                     {1, intermediate, 0}};

TEST_P(CudaTrueSize, RmsNorm) {
  for (const auto& [rows, cols, gap] : norm_sizes) {
    SCOPED_TRACE(fmt::format("{} rows of {}", rows, cols));
    const Tensor x = matrix(rows, cols, gap);
    const Tensor weight = vector(cols);
    const Tensor rstd = float_vector(rows);
    rms_norm_forward(cpu_, matrix(rows, cols), rstd, x, weight, eps);
    expect_same({matrix(rows, cols, gap), float_vector(rows), x, weight},
                [](Context& ctx, Tensors t) { rms_norm_forward(ctx, t[0], t[1], t[2], t[3], eps); });
    expect_same({matrix(rows, cols, gap), x, weight},
                [](Context& ctx, Tensors t) { rms_norm_forward(ctx, t[0], Tensor(), t[1], t[2], eps); });
    expect_same({matrix(rows, cols, gap), float_vector(cols), x, weight, rstd},
                [](Context& ctx, Tensors t) { rms_norm_backward(ctx, t[0], t[1], t[0], t[2], t[3], t[4]); });
    expect_same(
        {matrix(rows, cols, gap), matrix(rows, cols, gap), x, weight, rstd},
        [](Context& ctx, Tensors t) { rms_norm_backward(ctx, t[0], Tensor(), t[1], t[2], t[3], t[4]); });
    expect_same({matrix(rows, cols, gap), matrix(rows, cols, gap), x, weight, rstd},
                [](Context& ctx, Tensors t) {
                  rms_norm_backward(ctx, t[0], Tensor(), t[1], t[2], t[3], t[4], t[0]);
                });
  }
}

TEST_P(CudaTrueSize, LayerNorm) {
  for (const auto& [rows, cols, gap] : norm_sizes) {
    SCOPED_TRACE(fmt::format("{} rows of {}", rows, cols));
    const Tensor x = matrix(rows, cols, gap);
    const Tensor weight = vector(cols);
    const Tensor mean = float_vector(rows);
    const Tensor rstd = float_vector(rows);
    layer_norm_forward(cpu_, matrix(rows, cols), mean, rstd, x, weight, weight, eps);
    expect_same(
        {matrix(rows, cols, gap), float_vector(rows), float_vector(rows), x, weight, vector(cols)},
        [](Context& ctx, Tensors t) { layer_norm_forward(ctx, t[0], t[1], t[2], t[3], t[4], t[5], eps); });
    expect_same({matrix(rows, cols, gap), float_vector(cols), float_vector(cols), x, weight, mean, rstd},
                [](Context& ctx, Tensors t) {
                  layer_norm_backward(ctx, t[0], t[1], t[2], t[0], t[3], t[4], t[5], t[6]);
                });
    expect_same({matrix(rows, cols, gap), matrix(rows, cols, gap), x, weight, mean, rstd},
                [](Context& ctx, Tensors t) {
                  layer_norm_backward(ctx, t[0], Tensor(), Tensor(), t[1], t[2], t[3], t[4], t[5], t[0]);
                });
  }
}

// Queries and keys, which are columns of a wider product.
TEST_P(CudaTrueSize, Rotary) {
  for (const std::int64_t pairs : {head_dim / 2, head_dim / 4}) {
    const std::vector<Tensor> tensors = {matrix(131, q_width + 2 * kv_width, 0), floats(131, pairs, 0),
                                         floats(131, pairs, 4)};
    const auto turning = [](const Tensor& qkv) { return qkv.columns(0, q_width + kv_width); };
    expect_same(tensors,
                [&](Context& ctx, Tensors t) { rotary_forward(ctx, turning(t[0]), t[1], t[2], head_dim); });
    expect_same(tensors,
                [&](Context& ctx, Tensors t) { rotary_backward(ctx, turning(t[0]), t[1], t[2], head_dim); });
  }
}

TEST_P(CudaTrueSize, RotaryToCache) {
  const auto call = [](Context& ctx, Tensors t, std::int64_t dim) {
    rotary_to_cache(ctx, t[0], t[1], t[2], t[3], t[4], t[5], dim);
  };
  for (const std::int64_t tokens : {1, 70}) {
    for (const std::int64_t pairs : {head_dim / 2, head_dim / 4}) {
      SCOPED_TRACE(fmt::format("{} tokens, {} pairs", tokens, pairs));
      expect_same(
          {matrix(tokens, q_width + 2 * kv_width, 0), matrix(90, kv_width, 0), matrix(90, kv_width, 0),
           distinct(tokens, 90), floats(tokens, pairs, 0), floats(tokens, pairs, 0)},
          [&](Context& ctx, Tensors t) { call(ctx, t, head_dim); });
    }
    // Odd pairs, with elements that stay, in rows that no wide access fits.
    expect_same({matrix(tokens, 90), matrix(80, 18), matrix(80, 18), distinct(tokens, 80), floats(tokens, 3),
                 floats(tokens, 3)},
                [&](Context& ctx, Tensors t) { call(ctx, t, 9); });
    expect_same({matrix(tokens, 96, 0), matrix(80, 32, 8), matrix(80, 32, 0), distinct(tokens, 80),
                 floats(tokens, 8, 0), floats(tokens, 8, 4)},
                [&](Context& ctx, Tensors t) { call(ctx, t, 16); });
  }
}

TEST_P(CudaTrueSize, RotaryAngles) {
  for (const auto& [tokens, axes, n] : {std::array{1, 1, 64}, std::array{300, 2, 16}, std::array{7, 3, 5}}) {
    expect_same(
        {floats(tokens, axes * n), floats(tokens, axes * n, 0), indices(tokens, axes, 4096), float_vector(n)},
        [](Context& ctx, Tensors t) { rotary_angles(ctx, t[0], t[1], t[2], t[3], 1.25f); });
  }
}

TEST_P(CudaTrueSize, MovedRows) {
  for (const std::int64_t tokens : {1, 300}) {
    const Tensor places = distinct(tokens, 400);
    expect_same({matrix(tokens, hidden, 0), matrix(400, hidden, 0), places},
                [](Context& ctx, Tensors t) { gather_rows(ctx, t[0], t[1], t[2]); });
    // A table whose rows are not aligned, behind a result that is.
    expect_same({matrix(tokens, 64, 0), matrix(400, 64, 3), places},
                [](Context& ctx, Tensors t) { gather_rows(ctx, t[0], t[1], t[2]); });
    expect_same({matrix(400, hidden, 16), matrix(tokens, hidden, 8), places},
                [](Context& ctx, Tensors t) { scatter_rows(ctx, t[0], t[1], t[2]); });
  }
  expect_same({matrix(1030, 1024, 0), matrix(2304, 1024, 0), indices(1030, 4, 2304), floats(1030, 4, 0)},
              [](Context& ctx, Tensors t) { interpolate_rows_forward(ctx, t[0], t[1], t[2], t[3]); });
}

TEST_P(CudaTrueSize, AddConvertFill) {
  for (const std::int64_t tokens : {1, 260}) {
    expect_same({matrix(tokens, hidden, 0), matrix(tokens, hidden, 0)},
                [](Context& ctx, Tensors t) { add(ctx, t[0], t[0], t[1]); });
    expect_same({matrix(tokens, hidden, 0), matrix(tokens, hidden, 8), matrix(tokens, hidden, 24)},
                [](Context& ctx, Tensors t) { add(ctx, t[0], t[1], t[2]); });
    expect_same({matrix(tokens, 1536, 0), floats(tokens, 1536, 0)},
                [](Context& ctx, Tensors t) { convert(ctx, t[0], t[1]); });
    expect_same({floats(tokens, 1536, 8), matrix(tokens, 1536, 0)},
                [](Context& ctx, Tensors t) { convert(ctx, t[0], t[1]); });
    expect_same({matrix(tokens, 1536, 8)}, [](Context& ctx, Tensors t) { fill(ctx, t[0], -0.75f); });
    expect_same({matrix(tokens, 1536, 0)}, [](Context& ctx, Tensors t) { multiply(ctx, t[0], 0.375f); });
  }
  // More rows than a grid has.
  expect_same({matrix(70001, 2, 1)}, [](Context& ctx, Tensors t) { fill(ctx, t[0].columns(0, 1), 2.0f); });
}

TEST_P(CudaTrueSize, ArgmaxRows) {
  for (const auto& [rows, cols, gap] :
       {std::array{1, 131072, 0}, std::array{7, 131072, 8}, std::array{2, 150001, 3},
        std::array{2, 300000, 0}, std::array{5, 4099, 3}, std::array{9, 8, 8}, std::array{40, 31, 0},
        std::array{3, 1, 0}}) {
    SCOPED_TRACE(cols);
    // Of few values, so that the largest is there many times.
    const Tensor x = matrix(rows, cols, gap);
    const Tensor values = indices(rows, cols, 50);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t k = 0; k < cols; ++k) {
        const auto value = static_cast<float>(values.data<std::int32_t>()[i * cols + k]);
        const float element = value == 7 || (i == 2 && cols == 31) ? NAN : value - 60;
        if (dtype() == DType::f32) x.mutable_data<float>()[i * x.row_stride() + k] = element;
        if (dtype() == DType::bf16) x.mutable_data<bfloat16>()[i * x.row_stride() + k] = bfloat16(element);
      }
    }
    const Tensor here = Tensor::zeros(DType::i32, {rows});
    const Tensor there = Tensor::zeros(DType::i32, {rows}, gpu_->device());
    argmax_rows(cpu_, here, x);
    argmax_rows(*gpu_, there, copy_with_gaps(x, gpu_->device()));
    gpu_->synchronize();
    EXPECT_TRUE(same_bits(there.to(Device{}), here));
  }
}

TEST_P(CudaTrueSize, CrossEntropy) {
  for (const auto& [rows, cols, gap] : {MatrixSize{11, vocabulary, 0}, {3, 50001, 0}, {150, 4104, 8}}) {
    SCOPED_TRACE(cols);
    const Tensor logits = random_matrix(random_, dtype(), rows, cols, gap, 6.0f);
    const Tensor labels = indices(rows, 1, static_cast<std::uint64_t>(cols)).view({rows});
    const Tensor lse = float_vector(rows);
    cross_entropy_forward(cpu_, float_vector(rows), lse, logits, labels);
    expect_same({float_vector(rows), float_vector(rows), logits, labels},
                [](Context& ctx, Tensors t) { cross_entropy_forward(ctx, t[0], t[1], t[2], t[3]); });
    expect_same({logits, lse, labels},
                [](Context& ctx, Tensors t) { cross_entropy_backward(ctx, t[0], t[0], t[1], t[2], 0.25f); });
  }
}

// A weight of the projector.
TEST_P(CudaTrueSize, AdamW) {
  const AdamWOptions options{.learning_rate = 1e-2, .weight_decay = 0.1, .step = 3, .seed = 5, .weight = 2};
  for (const std::int64_t count : {hidden * 256, std::int64_t{4101}}) {
    Tensor second = float_vector(count);
    for (float& value : second.mutable_values<float>()) value *= value;
    const std::vector<Tensor> moments = {float_vector(count), second, float_vector(count)};
    expect_same({vector(count), float_vector(count), moments[0], moments[1], moments[2]},
                [&](Context& ctx, Tensors t) { adamw_step(ctx, t[0], t[1], t[2], t[3], t[4], options); });
    if (dtype() == DType::f32) continue;
    expect_same({vector(count), moments[0], moments[1], moments[2]},
                [&](Context& ctx, Tensors t) { adamw_step(ctx, t[0], Tensor(), t[1], t[2], t[3], options); });
  }
}

// Each kernel may begin before the one ahead of it is done: a chain of them, many times over, on one buffer.
TEST_P(CudaTrueSize, ChainsOfKernels) {
  const std::vector<Tensor> tensors = {matrix(1, hidden, 0), matrix(1, hidden, 0), vector(hidden),
                                       matrix(1, 2 * intermediate, 0), matrix(1, intermediate, 0)};
  expect_same(tensors, [](Context& ctx, Tensors t) {
    const Tensor gate = t[3].columns(0, intermediate);
    const Tensor up = t[3].columns(intermediate, 2 * intermediate);
    for (int i = 0; i < 20; ++i) {
      rms_norm_forward(ctx, t[1], Tensor(), t[0], t[2], eps);
      add(ctx, t[0], t[0], t[1]);
      multiply(ctx, t[0], 0.5f);
      gated_forward(ctx, t[4], gate, up, Activation::silu);
      add(ctx, gate, t[4], up);
      multiply(ctx, gate, 0.5f);
      add(ctx, t[0], t[0], gate.columns(0, hidden));
    }
  });
}

}  // namespace
}  // namespace artemis::testing

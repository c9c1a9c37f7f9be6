// Products of one to eight rows with weights, as decoding takes them, on the GPU against the CPU.
#include "artemis/kernels/linear.h"
#include "both.h"

namespace artemis::testing {
namespace {

using Tensors = std::span<const Tensor>;

class CudaFewRows : public OnBoth {
 protected:
  // Gaps that leave each row at a multiple of 16 bytes.
  Tensor rows(std::int64_t rows, std::int64_t cols, float scale = 1.0f) {
    return random_matrix(random_, dtype(), rows, cols, 16, scale);
  }
};
ARTEMIS_ON_BOTH(CudaFewRows);

constexpr std::int64_t row_counts[] = {1, 2, 3, 5, 8, 9};

struct Weights {
  std::int64_t n, k;
};
// One element and one vector past a tile or a step, and less than either; k that a vector does not divide.
constexpr Weights odd_weights[] = {{24, 8}, {7, 64}, {9, 136}, {129, 1032}, {1061, 264}, {33, 100}};

TEST_P(CudaFewRows, EveryEpilogue) {
  const auto call = [](std::optional<Activation> activation) {
    return [activation](Context& ctx, Tensors t) {
      linear_forward(ctx, t[0], t[1], t[2], t[3], {.activation = activation, .residual = t[4]});
    };
  };
  for (const std::int64_t m : row_counts) {
    for (const auto& [n, k] : odd_weights) {
      SCOPED_TRACE(fmt::format("{} x {} x {}", m, n, k));
      const Tensor x = rows(m, k);
      const Tensor weight = rows(n, k);
      expect_same({rows(m, n), x, weight, {}, {}}, call({}));
      expect_same({rows(m, n), x, weight, vector(n), {}}, call(Activation::gelu_tanh));
      expect_same({rows(m, n), x, weight, {}, rows(m, n)}, call(Activation::relu));
      expect_same({rows(m, n), x, weight, vector(n), rows(m, n)}, call({}));
      expect_same({floats(m, n), x, weight, vector(n), floats(m, n)}, call(Activation::gelu_erf));
    }
  }
}

TEST_P(CudaFewRows, EveryGate) {
  for (const Activation activation : {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu,
                                      Activation::relu, Activation::quick_gelu}) {
    for (const std::int64_t m : row_counts) {
      for (const auto& [n, k] : odd_weights) {
        SCOPED_TRACE(fmt::format("{} x {} x {}", m, n, k));
        expect_same({rows(m, n), rows(m, k), rows(n, k), rows(n, k)}, [&](Context& ctx, Tensors t) {
          gated_linear_forward(ctx, t[0], t[1], t[2], t[3], activation);
        });
      }
    }
  }
}

class CudaFewRowsOfA3 : public CudaFewRows {};
INSTANTIATE_TEST_SUITE_P(DTypes, CudaFewRowsOfA3, ::testing::Values(DType::bf16),
                         [](const auto& entry) { return std::string(dtype_name(entry.param)); });

// The sums of A3 in full, and as many columns as need several turns of every multiprocessor.
TEST_P(CudaFewRowsOfA3, Linear) {
  for (const auto& [n, k] : {Weights{6144, 5120}, {5120, 4096}, {2605, 14336}}) {
    const Tensor weight = rows(n, k, 0.02f);
    for (const std::int64_t m : {1, 5, 8}) {
      SCOPED_TRACE(fmt::format("{} x {} x {}", m, n, k));
      expect_same({rows(m, n), rows(m, k), weight, rows(m, n)}, [](Context& ctx, Tensors t) {
        linear_forward(ctx, t[0], t[1], t[2], {}, {.residual = t[3]});
      });
      expect_same({floats(m, n), rows(m, k), weight},
                  [](Context& ctx, Tensors t) { linear_forward(ctx, t[0], t[1], t[2], {}); });
    }
  }
}

TEST_P(CudaFewRowsOfA3, Gated) {
  constexpr std::int64_t n = 3200;
  const Tensor gate = rows(n, 5120, 0.02f);
  const Tensor up = rows(n, 5120, 0.02f);
  for (const std::int64_t m : {1, 8}) {
    SCOPED_TRACE(m);
    expect_same({rows(m, n), rows(m, 5120), gate, up}, [](Context& ctx, Tensors t) {
      gated_linear_forward(ctx, t[0], t[1], t[2], t[3], Activation::silu);
    });
  }
}

// Kernels that follow each other may overlap: a chain, several times over, has one result.
TEST_P(CudaFewRows, ChainsHaveTheSameBits) {
  const std::int64_t width = small_tests() ? 512 : 2048;
  const int links = small_tests() ? 6 : 20;
  const Device device = gpu_->device();
  const Tensor first = rows(3, width).to(device);
  std::vector<Tensor> weights;
  for (int i = 0; i < 4; ++i) weights.push_back(rows(width, width, 0.02f).to(device));
  std::vector<Tensor> results;
  for (int run = 0; run < 3; ++run) {
    const Tensor buffers[] = {Tensor::zeros(dtype(), {3, width}, device),
                              Tensor::zeros(dtype(), {3, width}, device)};
    linear_forward(*gpu_, buffers[0], first, weights[0], {});
    for (int i = 1; i < links; ++i) {
      linear_forward(*gpu_, buffers[i % 2], buffers[(i + 1) % 2], weights[static_cast<std::size_t>(i % 4)],
                     {});
      if (run == 1) gpu_->synchronize();  // a run whose kernels do not overlap
    }
    gpu_->synchronize();
    results.push_back(buffers[(links - 1) % 2].to(Device{}));
  }
  EXPECT_TRUE(same_bits(results[0], results[1]));
  EXPECT_TRUE(same_bits(results[0], results[2]));
}

}  // namespace
}  // namespace artemis::testing

// The operations against PyTorch and transformers (tests/golden/kernels/generate.py).
#include <gtest/gtest.h>

#include <filesystem>

#include "artemis/io/safetensors.h"
#include "artemis/kernels/activation.h"
#include "artemis/kernels/adamw.h"
#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rotary.h"
#include "reference.h"

namespace artemis::test {
namespace {

class GoldenTest : public ForDTypes {
 protected:
  Tensor golden(const std::string& operation, const std::string& name) const {
    return file_.tensor(fmt::format("{}.{}.{}", operation, dtype_name(GetParam()), name));
  }
  Tensor result(const Tensor& like) { return poisoned(ctx_, GetParam(), like.shape()); }
  Tensor copy(const Tensor& tensor) {
    const Tensor values = result(tensor);
    convert(ctx_, values, tensor);
    return values;
  }

  // Relative to the largest magnitude: 8 roundings of f32; in bf16 one of ours, of at most 2^-8 each, and
  // those of the reference, which in its gradients often rounds to bf16 between steps where we stay in f32.
  void expect_golden(const Tensor& tensor, const std::string& operation, const std::string& name,
                     int reference_roundings = 1) {
    const double bound = GetParam() == DType::f32 ? 8 * 0x1p-24 : (1 + reference_roundings) * 0x1p-8;
    expect_near(values_of(ctx_, tensor), values_of(ctx_, golden(operation, name)), bound,
                (operation + "." + name).c_str());
  }

  // Element by element: the same bf16 value or its neighbour; in f32 a few roundings. `floor` is what stands
  // below, where the reference itself cancels.
  void expect_elements(const Tensor& tensor, const std::string& operation, const std::string& name,
                       double floor = 0x1p-24) {
    const Values values = values_of(ctx_, tensor);
    const Values reference = values_of(ctx_, golden(operation, name));
    ASSERT_EQ(values.size(), reference.size());
    const double relative = GetParam() == DType::f32 ? 8 * 0x1p-24 : 0x1p-7;
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LE(std::abs(values[i] - reference[i]), relative * std::abs(reference[i]) + floor)
          << operation << "." << name << " at " << i << ": " << values[i] << ", expected " << reference[i];
    }
  }

  SafetensorsFile file_ =
      SafetensorsFile::open(std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "kernels" / "operations.safetensors");
};

// The reference sums the parameters' gradients over rows in the dtype itself.
constexpr int rows = 6;

TEST_P(GoldenTest, RmsNorm) {
  const Tensor x = golden("rms_norm", "x");
  const Tensor weight = golden("rms_norm", "weight");
  const Tensor out = result(x);
  const Tensor rstd = poisoned(ctx_, DType::f32, {x.dim(0)});
  rms_norm_forward(ctx_, out, rstd, x, weight, 1e-5f);
  expect_elements(out, "rms_norm", "out");
  const Tensor d_x = result(x);
  const Tensor d_weight = Tensor::zeros(DType::f32, weight.shape());
  rms_norm_backward(ctx_, d_x, d_weight, golden("rms_norm", "d_out"), x, weight, rstd);
  expect_golden(d_x, "rms_norm", "d_x", 2);
  expect_golden(d_weight, "rms_norm", "d_weight", rows);
}

TEST_P(GoldenTest, LayerNorm) {
  const Tensor x = golden("layer_norm", "x");
  const Tensor weight = golden("layer_norm", "weight");
  const Tensor out = result(x);
  const Tensor mean = poisoned(ctx_, DType::f32, {x.dim(0)});
  const Tensor rstd = poisoned(ctx_, DType::f32, {x.dim(0)});
  layer_norm_forward(ctx_, out, mean, rstd, x, weight, golden("layer_norm", "bias"), 1e-6f);
  expect_golden(out, "layer_norm", "out");
  const Tensor d_x = result(x);
  const Tensor d_weight = Tensor::zeros(DType::f32, weight.shape());
  const Tensor d_bias = Tensor::zeros(DType::f32, weight.shape());
  layer_norm_backward(ctx_, d_x, d_weight, d_bias, golden("layer_norm", "d_out"), x, weight, mean, rstd);
  expect_golden(d_x, "layer_norm", "d_x");
  expect_golden(d_weight, "layer_norm", "d_weight", rows);
  expect_golden(d_bias, "layer_norm", "d_bias", rows);
}

struct Case {
  std::string name;
  Activation activation;
  // Of x sigmoid(1.702 x), written out in the reference, whose steps all round.
  int roundings = 1;
  // Half of x (1 + erf), near x = -5: 1 + erf is a multiple of 2^-24.
  double floor = 0x1p-24;
};
const std::vector<Case> cases = {{"gelu", Activation::gelu_erf, 1, 8 * 0x1p-24},
                                 {"gelu_pytorch_tanh", Activation::gelu_tanh, 1, 8 * 0x1p-24},
                                 {"silu", Activation::silu},
                                 {"relu", Activation::relu},
                                 {"quick_gelu", Activation::quick_gelu, 3}};

TEST_P(GoldenTest, Activations) {
  for (const auto& [name, activation, roundings, floor] : cases) {
    const Tensor x = golden(name, "x");
    const Tensor out = result(x);
    activation_forward(ctx_, out, x, activation);
    expect_golden(out, name, "out", roundings);
    if (roundings == 1) expect_elements(out, name, "out", floor);
    activation_backward(ctx_, out, golden(name, "d_out"), x, activation);
    expect_golden(out, name, "d_x", roundings);
  }
}

TEST_P(GoldenTest, GatedActivations) {
  for (const auto& [name, activation, roundings, floor] : cases) {
    const std::string operation = "gated_" + name;
    const Tensor gate = golden(operation, "gate");
    const Tensor up = golden(operation, "up");
    const Tensor out = result(gate);
    gated_forward(ctx_, out, gate, up, activation);
    expect_golden(out, operation, "out", 1 + roundings);
    if (roundings == 1) expect_elements(out, operation, "out", 4 * floor);  // |up| < 4
    const Tensor d_gate = result(gate);
    const Tensor d_up = result(up);
    gated_backward(ctx_, d_gate, d_up, golden(operation, "d_out"), gate, up, activation);
    expect_golden(d_gate, operation, "d_gate", 1 + roundings);
    expect_golden(d_up, operation, "d_up", 1 + roundings);
  }
}

TEST_P(GoldenTest, Rotary) {
  const Tensor x = copy(golden("rotary", "x"));
  const Tensor cos = golden("rotary", "cos");
  const Tensor sin = golden("rotary", "sin");
  rotary_forward(ctx_, x, cos, sin, 16);
  expect_elements(x, "rotary", "out");
  const Tensor d_x = copy(golden("rotary", "d_out"));
  rotary_backward(ctx_, d_x, cos, sin, 16);
  expect_golden(d_x, "rotary", "d_x");
}

TEST_P(GoldenTest, GatherAndItsGradient) {
  const Tensor table = golden("gather", "table");
  const Tensor index = golden("gather", "index");
  const Tensor out = result(golden("gather", "out"));
  gather_rows(ctx_, out, table, index);
  EXPECT_EQ(values_of(ctx_, out), values_of(ctx_, golden("gather", "out")));
  const Tensor d_table = Tensor::zeros(DType::f32, table.shape());
  scatter_add_rows(ctx_, d_table, golden("gather", "d_out"), index);
  expect_golden(d_table, "gather", "d_table", 2);
}

TEST_P(GoldenTest, Interpolate) {
  const Tensor table = golden("interpolate", "table");
  const Tensor index = golden("interpolate", "index");
  const Tensor weight = golden("interpolate", "weight");
  const Tensor out = result(golden("interpolate", "out"));
  interpolate_rows_forward(ctx_, out, table, index, weight);
  expect_elements(out, "interpolate", "out");
  const Tensor d_table = Tensor::zeros(DType::f32, table.shape());
  interpolate_rows_backward(ctx_, d_table, golden("interpolate", "d_out"), index, weight);
  expect_golden(d_table, "interpolate", "d_table", 4);
}

TEST_P(GoldenTest, CrossEntropy) {
  const Tensor logits = copy(golden("cross_entropy", "logits"));
  const Tensor labels = golden("cross_entropy", "labels");
  const Tensor loss = poisoned(ctx_, DType::f32, labels.shape());
  const Tensor lse = poisoned(ctx_, DType::f32, labels.shape());
  cross_entropy_forward(ctx_, loss, lse, logits, labels);
  expect_near(values_of(ctx_, loss), values_of(ctx_, golden("cross_entropy", "loss")), 2 * 0x1p-23, "loss");
  expect_near(values_of(ctx_, lse), values_of(ctx_, golden("cross_entropy", "lse")), 2 * 0x1p-23, "lse");
  cross_entropy_backward(ctx_, logits, logits, lse, labels, 0.375f);
  if (GetParam() == DType::bf16) return expect_golden(logits, "cross_entropy", "d_logits");
  // The exponent x - lse is rounded at a magnitude below 32, on both sides.
  expect_near(values_of(ctx_, logits), values_of(ctx_, golden("cross_entropy", "d_logits")), 2 * 32 * 0x1p-24,
              "d_logits");
}

ARTEMIS_FOR_DTYPES(GoldenTest);

// Every one of twenty steps of torch.optim.AdamW.
TEST(Golden, AdamW) {
  Context ctx(Device{}, 2);
  const auto file =
      SafetensorsFile::open(std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "kernels" / "operations.safetensors");
  const Tensor start = file.tensor("adamw.f32.start");
  const Tensor parameter = Tensor::from<float>(start.values<float>(), start.shape());
  const Tensor first = Tensor::zeros(DType::f32, start.shape());
  const Tensor second = Tensor::zeros(DType::f32, start.shape());
  const Tensor gradients = file.tensor("adamw.f32.gradients");
  const Tensor path = file.tensor("adamw.f32.path");
  const Tensor rates = file.tensor("adamw.f32.rates");
  for (std::int64_t step = 0; step < 20; ++step) {
    const AdamWOptions options{.learning_rate = static_cast<double>(rates.data<float>()[step]),
                               .beta2 = 0.95,
                               .weight_decay = 0.1,
                               .step = step + 1};
    const Tensor gradient = gradients.rows(step, step + 1).view(start.shape());
    adamw_step(ctx, parameter, parameter, first, second, gradient, options);
    // Decay and step round once each, on both sides.
    expect_near(values_of(ctx, parameter), values_of(ctx, path.rows(step, step + 1)),
                static_cast<double>(step + 1) * 4 * 0x1p-24, "parameter");
  }
  expect_near(values_of(ctx, first), values_of(ctx, file.tensor("adamw.f32.first")), 2 * 0x1p-23, "first");
  expect_near(values_of(ctx, second), values_of(ctx, file.tensor("adamw.f32.second")), 2 * 0x1p-23, "second");
}

}  // namespace
}  // namespace artemis::test

// What the optimizer keeps for each weight, its learning rates, and what it saves.
#include "artemis/train/optimizer.h"

#include <cstring>
#include <map>
#include <set>

#include "artemis/core/random.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/load.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

constexpr Trainable everything{.projector = true, .decoder = true, .tower = true};

// The graft of the training run, all of it trained.
struct Trained {
  Context ctx{Device{}, 2};
  GraftConfig config = read_graft_config(golden::model_root() / "train" / "checkpoint");
  Graft model;
  std::optional<Optimizer> optimizer;

  explicit Trained(const OptimizerOptions& options, DType dtype = DType::f32) {
    model =
        load_graft(ctx, CheckpointReader::open(golden::model_root() / "train" / "checkpoint"), config, dtype);
    optimizer.emplace(ctx, model, config, everything, options);
  }

  // A step with gradients drawn for this step.
  void step() {
    Random random(static_cast<std::uint64_t>(optimizer->steps_done()));
    for (const TrainedWeight& weight : optimizer->weights()) {
      for (float& value : weight.gradient.mutable_values<float>()) value = random.normal();
    }
    optimizer->step(1e-3, optimizer->gradient_norm());
  }

  std::map<std::string, Tensor> saved() const {
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, tensor] : optimizer->trained()) tensors[name] = tensor;
    for (const auto& [name, tensor] : optimizer->state()) tensors[name] = tensor;
    return tensors;
  }
};

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.bytes() == b.bytes() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

TEST(Optimizer, SmallWeightsKeepF32Moments) {
  const Trained run({.moments = MomentKind::eight_bits});
  std::int64_t coded = 0;
  for (const TrainedWeight& weight : run.optimizer->weights()) {
    const bool large = weight.parameter.count() >= 4096;
    EXPECT_EQ(weight.first.plain.defined(), !large) << weight.spec.name;
    EXPECT_EQ(weight.second.coded.codes.defined(), large) << weight.spec.name;
    coded += large ? 1 : 0;
  }
  EXPECT_GE(coded, 3);
}

// A run that is saved after three steps and restored into a fresh optimizer goes on to the same bits.
TEST(Optimizer, GoesOnExactlyFromWhatItSaved) {
  for (const MomentKind moments : {MomentKind::f32, MomentKind::eight_bits}) {
    for (const auto& [dtype, rounding] :
         {std::pair{DType::f32, WeightRounding::master}, std::pair{DType::bf16, WeightRounding::master},
          std::pair{DType::bf16, WeightRounding::stochastic}}) {
      const OptimizerOptions options{.moments = moments, .rounding = rounding, .layer_decay = 0.9, .seed = 4};
      Trained whole(options, dtype);
      for (int i = 0; i < 3; ++i) whole.step();
      std::map<std::string, Tensor> copies;
      for (const auto& [name, tensor] : whole.saved()) {
        copies[name] = Tensor::allocate(tensor.dtype(), tensor.shape());
        copy(copies[name], tensor);
      }
      Trained resumed(options, dtype);
      resumed.optimizer->restore([&](const std::string& name) { return copies.at(name); }, 3, "test");
      for (int i = 0; i < 3; ++i) {
        whole.step();
        resumed.step();
      }
      const auto expected = whole.saved();
      for (const auto& [name, tensor] : resumed.saved())
        EXPECT_TRUE(same_bytes(tensor, expected.at(name))) << name;
      for (std::size_t i = 0; i < whole.optimizer->weights().size(); ++i) {
        EXPECT_TRUE(
            same_bytes(whole.optimizer->weights()[i].parameter, resumed.optimizer->weights()[i].parameter));
      }
    }
  }
}

TEST(Optimizer, StochasticRoundingKeepsNoMaster) {
  const Trained run({.rounding = WeightRounding::stochastic}, DType::bf16);
  for (const TrainedWeight& weight : run.optimizer->weights()) EXPECT_FALSE(weight.master.defined());
  for (const auto& [name, tensor] : run.optimizer->trained()) EXPECT_EQ(tensor.dtype(), DType::bf16) << name;
}

TEST(Optimizer, RefusesMomentsOfAnotherKind) {
  Trained plain({});
  const Trained coded({.moments = MomentKind::eight_bits});
  const auto state = coded.saved();
  const auto tensor_of = [&](const std::string& name) {
    const auto found = state.find(name);
    require(found != state.end(), "test", "there is no '{}'", name);
    return found->second;
  };
  test::expect_error(test::error_of([&] { plain.optimizer->restore(tensor_of, 1, "test"); }),
                     "there is no 'first.");
}

TEST(LayerRates, TheTable) {
  GraftConfig config = read_graft_config(golden::model_root() / "odd" / "checkpoint");  // three blocks each
  config.lora = LoraOptions{};
  Graft shapes;
  std::map<std::string, double> factors;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    factors[spec.name] = layer_rate_factor(spec, config, 0.5);
  });
  const std::map<std::string, double> expected = {
      {"visual.patch_embed.proj.weight", 0.125},
      {"visual.patch_embed.proj.bias", 0.125},
      {"visual.pos_embed.weight", 0.125},
      {"visual.blocks.0.attn.qkv.weight", 0.25},
      {"visual.blocks.1.norm1.bias", 0.5},
      {"visual.blocks.2.mlp.linear_fc2.weight", 1},
      {"visual.merger.norm.weight", 1},
      {"visual.merger.linear_fc1.weight", 1},
      {"multi_modal_projector.fc1.weight", 1},
      {"multi_modal_projector.fc2.bias", 1},
      {"language_model.model.embed_tokens.weight", 0.125},
      {"language_model.model.layers.0.input_layernorm.weight", 0.25},
      {"language_model.model.layers.1.self_attn.q_proj.weight", 0.5},
      {"language_model.model.layers.1.self_attn.q_proj.lora_A.weight", 0.5},
      {"language_model.model.layers.2.mlp.down_proj.weight", 1},
      {"language_model.model.norm.weight", 1},
      {"language_model.lm_head.weight", 1},
  };
  for (const auto& [name, factor] : expected) EXPECT_EQ(factors.at(name), factor) << name;
}

// The first step of AdamW moves a weight by the learning rate: with layer rates by its share of it.
TEST(LayerRates, AreAppliedToTheStep) {
  Trained run({.weight_decay = 0, .max_gradient_norm = 0, .layer_decay = 0.5});
  std::vector<std::vector<float>> before;
  for (const TrainedWeight& weight : run.optimizer->weights()) {
    const auto values = weight.parameter.values<float>();
    before.emplace_back(values.begin(), values.end());
    fill(run.ctx, weight.gradient, 1.0f);
  }
  run.optimizer->step(1e-2, 1.0);
  std::set<double> factors;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const TrainedWeight& weight = run.optimizer->weights()[i];
    EXPECT_NEAR(before[i][0] - weight.parameter.values<float>()[0], 1e-2 * weight.rate_factor, 1e-6)
        << weight.spec.name;
    factors.insert(weight.rate_factor);
  }
  EXPECT_GE(factors.size(), 3u);
}

}  // namespace
}  // namespace artemis

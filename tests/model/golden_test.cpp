// Features, logits, loss and gradients against the reference, on every golden configuration.
#include "support/golden.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/load.h"
#include "support/device.h"

namespace artemis {
namespace {

constexpr double f32_tolerance = 1e-4;       // of logits and features, over the largest magnitude
constexpr double bf16_tolerance = 2e-2;      // two bf16 computations that round at different places
constexpr double gradient_tolerance = 1e-3;  // over the largest magnitude of each tensor
constexpr double loss_tolerance = 1e-5;

std::vector<float> as_floats(Context& ctx, const Tensor& tensor) {
  const Tensor converted = Tensor::allocate(DType::f32, tensor.shape(), ctx.device());
  convert(ctx, converted, tensor);
  const Tensor on_host = converted.to(Device{});
  const auto values = on_host.values<float>();
  return {values.begin(), values.end()};
}

class GoldenModel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    root_ = golden::model_root() / GetParam();
    config_ = read_graft_config(root_ / "checkpoint");
    cases_ = read_json(root_ / "cases.json");
  }

  SafetensorsFile open(const Json& entry) const {
    return SafetensorsFile::open(root_ / (entry["name"].get<std::string>() + ".safetensors"));
  }
  Graft load(DType dtype) {
    return load_graft(ctx_, CheckpointReader::open(root_ / "checkpoint"), config_, dtype);
  }

  // Checks features and logits in this dtype; returns how many cases had them.
  int check_outputs(DType dtype, const std::string& suffix, double tolerance) {
    const Graft model = load(dtype);
    int checked = 0;
    for (const Json& entry : cases_) {
      SCOPED_TRACE(entry["name"].get<std::string>());
      const SafetensorsFile file = open(entry);
      if (!golden::has(file, "logits" + suffix)) continue;
      const golden::Case input = golden::read_case(file);
      Tensor features;
      if (!input.pictures.empty()) {
        features = Tensor::allocate(
            dtype, {image_tokens(*config_.vision, input.pictures), config_.text.hidden_size}, ctx_.device());
        image_features(ctx_, features, input.pictures, model, config_);
        EXPECT_LE(golden::relative_difference(as_floats(ctx_, features),
                                              golden::floats(file, "image_features" + suffix)),
                  tolerance);
      }
      const Tensor logits =
          Tensor::allocate(dtype, {input.text.tokens(), config_.text.vocab_size}, ctx_.device());
      graft_logits(ctx_, logits, input.text, features, model, config_);
      EXPECT_LE(golden::relative_difference(as_floats(ctx_, logits), golden::floats(file, "logits" + suffix)),
                tolerance);
      ++checked;
    }
    return checked;
  }

  std::filesystem::path root_;
  GraftConfig config_;
  Json cases_;
  Context ctx_{test_device(), 2};

  void check_gradients(const Graft& model, const std::string& name, const Trainable& trainable,
                       Recompute recompute) {
    const SafetensorsFile file = SafetensorsFile::open(root_ / (name + ".safetensors"));
    const golden::Case input = golden::read_case(file);
    Graft gradients = make_gradients(config_, trainable, ctx_.device());
    const float scale = 1.0f / static_cast<float>(input.supervision.count());
    graft_loss_and_gradients(ctx_, gradients, input.text, input.pictures, input.supervision, scale, model,
                             config_, recompute);
    int compared = 0;
    for_each_weight(gradients, config_, [&](const WeightSpec& spec, Tensor& gradient) {
      if (!gradient) return;
      ASSERT_TRUE(golden::has(file, "grad." + spec.name)) << spec.name;
      EXPECT_LE(
          golden::relative_difference(as_floats(ctx_, gradient), golden::floats(file, "grad." + spec.name)),
          gradient_tolerance)
          << spec.name;
      ++compared;
    });
    const auto expected =
        std::ranges::count_if(file.names(), [](const auto& n) { return n.starts_with("grad."); });
    EXPECT_EQ(compared, expected);
  }
};

TEST_P(GoldenModel, FeaturesAndLogitsInF32) { EXPECT_GE(check_outputs(DType::f32, "", f32_tolerance), 5); }

TEST_P(GoldenModel, FeaturesAndLogitsInBf16) {
  EXPECT_GE(check_outputs(DType::bf16, "_bf16", bf16_tolerance), 2);
}

TEST_P(GoldenModel, Loss) {
  const Graft model = load(DType::f32);
  for (const Json& entry : cases_) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const SafetensorsFile file = open(entry);
    const golden::Case input = golden::read_case(file);
    const double sum = graft_loss(ctx_, input.text, input.pictures, input.supervision, model, config_);
    EXPECT_NEAR(sum / static_cast<double>(input.supervision.count()),
                static_cast<double>(golden::floats(file, "loss").at(0)), loss_tolerance);
  }
}

// three_images holds the gradient of every parameter, one_image those of Stage 1; what is kept for the
// backward pass changes none.
TEST_P(GoldenModel, Gradients) {
  const Graft model = load(DType::f32);
  for (const auto& [name, trainable] :
       {std::pair<std::string, Trainable>{"one_image", {.projector = true}},
        std::pair<std::string, Trainable>{"three_images",
                                          {.projector = true, .decoder = true, .tower = true}}}) {
    for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
      SCOPED_TRACE(fmt::format("{}, recompute {}", name, static_cast<int>(recompute)));
      check_gradients(model, name, trainable, recompute);
    }
  }
}

// The top block of the tower alone: the same gradients as with everything open, and no others.
TEST_P(GoldenModel, GradientsOfTheTopTowerBlock) {
  const Graft model = load(DType::f32);
  const SafetensorsFile file = SafetensorsFile::open(root_ / "three_images.safetensors");
  const golden::Case input = golden::read_case(file);
  Graft gradients = make_gradients(config_, training_stage(1, 1), ctx_.device());
  const float scale = 1.0f / static_cast<float>(input.supervision.count());
  graft_loss_and_gradients(ctx_, gradients, input.text, input.pictures, input.supervision, scale, model,
                           config_);
  int blocks = 0;
  for_each_weight(gradients, config_, [&](const WeightSpec& spec, Tensor& gradient) {
    const bool expected =
        spec.part == Part::projector || (spec.part == Part::tower && spec.block == config_.vision->depth - 1);
    EXPECT_EQ(gradient.defined(), expected) << spec.name;
    if (!gradient) return;
    if (spec.part == Part::tower) ++blocks;
    EXPECT_LE(
        golden::relative_difference(as_floats(ctx_, gradient), golden::floats(file, "grad." + spec.name)),
        gradient_tolerance)
        << spec.name;
  });
  EXPECT_EQ(blocks, 12);
}

INSTANTIATE_TEST_SUITE_P(Configurations, GoldenModel, testing::ValuesIn(golden::configurations()),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace artemis

// Low-rank adapters against PEFT: logits, gradients, files; merging; what is refused.
#include "artemis/model/lora.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

std::filesystem::path lora_root() { return std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "lora"; }

class GoldenLora : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path root_ = lora_root() / GetParam();
  std::filesystem::path base_ =
      GetParam() == "graft" ? golden::model_root() / "base" / "checkpoint" : root_ / "checkpoint";
  GraftConfig config_ = read_graft_config(base_);
  Context ctx_{Device{}, 2};
  Graft model_ = load_graft(ctx_, CheckpointReader::open(base_), config_, DType::f32);
  SafetensorsFile expected_ = SafetensorsFile::open(root_ / "expected.safetensors");
  golden::Case case_ = read_case();

  // The files of the adapters hold no pictures.
  golden::Case read_case() const {
    golden::Case result = golden::read_case(expected_);
    if (GetParam() == "graft") {
      const auto file = golden::model_root() / "base" / "one_image.safetensors";
      result.pictures = golden::pictures(SafetensorsFile::open(file));
    }
    return result;
  }

  std::vector<float> logits(const Graft& model, const GraftConfig& config) {
    const Arena::Scope scope(ctx_.arena());
    Tensor features;
    if (!case_.pictures.empty()) {
      features = Tensor::allocate(DType::f32,
                                  {image_tokens(*config.vision, case_.pictures), config.text.hidden_size});
      image_features(ctx_, features, case_.pictures, model, config);
    }
    const Tensor out = Tensor::allocate(DType::f32, {case_.text.tokens(), config.text.vocab_size});
    graft_logits(ctx_, out, case_.text, features, model, config);
    const auto values = out.values<float>();
    return {values.begin(), values.end()};
  }

  // What the model with adapters trains, with its values.
  std::vector<std::pair<WeightSpec, Tensor>> trained() {
    std::vector<std::pair<WeightSpec, Tensor>> weights;
    for_each_weight(model_, config_, [&](const WeightSpec& spec, Tensor& weight) {
      if (is_trained(spec, {.projector = true, .lora = true}, config_)) weights.emplace_back(spec, weight);
    });
    return weights;
  }
};

TEST_P(GoldenLora, Logits) {
  const std::vector<float> plain = logits(model_, config_);
  load_adapter(ctx_, root_ / "adapter", model_, config_);
  const std::vector<float> golden = golden::floats(expected_, "logits");
  EXPECT_LE(golden::relative_difference(logits(model_, config_), golden), 1e-4);
  EXPECT_GE(golden::relative_difference(plain, golden), 0.1);  // the adapter matters
}

TEST_P(GoldenLora, Gradients) {
  load_adapter(ctx_, root_ / "adapter", model_, config_);
  const Graft gradients = make_gradients(config_, {.projector = true, .lora = true});
  const auto count = static_cast<double>(case_.supervision.count());
  const double sum = graft_loss_and_gradients(ctx_, gradients, case_.text, case_.pictures, case_.supervision,
                                              static_cast<float>(1.0 / count), model_, config_);
  EXPECT_NEAR(sum / count, static_cast<double>(golden::floats(expected_, "loss").at(0)), 1e-5);
  std::size_t compared = 0;
  Graft walked = gradients;
  for_each_weight(walked, config_, [&](const WeightSpec& spec, Tensor& gradient) {
    if (!gradient) return;
    EXPECT_LE(
        golden::relative_difference(gradient.values<float>(), golden::floats(expected_, "grad." + spec.name)),
        1e-3)
        << spec.name;
    ++compared;
  });
  EXPECT_EQ(compared, GetParam() == "graft" ? 32u : 8u);
}

TEST_P(GoldenLora, TheSameFileAsPeft) {
  load_adapter(ctx_, root_ / "adapter", model_, config_);
  const test::TemporaryFolder folder;
  save_adapter(folder.path() / "adapter", trained(), *config_.lora, "base");
  const auto theirs = SafetensorsFile::open(root_ / "adapter" / "adapter_model.safetensors");
  const auto ours = SafetensorsFile::open(folder.path() / "adapter" / "adapter_model.safetensors");
  ASSERT_EQ(ours.names().size(), theirs.names().size());
  for (const std::string& name : theirs.names()) {
    EXPECT_EQ(ours.entry(name).shape(), theirs.entry(name).shape());
    EXPECT_EQ(golden::floats(ours, name), golden::floats(theirs, name)) << name;
  }
  const Json their_config = read_json(root_ / "adapter" / "adapter_config.json");
  const Json our_config = read_json(folder.path() / "adapter" / "adapter_config.json");
  for (const auto& [key, value] : our_config.items()) EXPECT_EQ(value, their_config[key]) << key;
}

TEST_P(GoldenLora, Merged) {
  load_adapter(ctx_, root_ / "adapter", model_, config_);
  const std::vector<float> apart = logits(model_, config_);
  merge_lora(ctx_, model_, config_);
  EXPECT_FALSE(config_.lora.has_value());
  EXPECT_LE(golden::relative_difference(logits(model_, config_), apart), 1e-5);

  const test::TemporaryFolder folder;
  merge_adapter(ctx_, base_, root_ / "adapter", folder.path() / "merged");
  const GraftConfig config = read_graft_config(folder.path() / "merged");
  const auto checkpoint = CheckpointReader::open(folder.path() / "merged");
  const Graft model = load_graft(ctx_, checkpoint, config, DType::f32);
  EXPECT_LE(golden::relative_difference(logits(model, config), apart), 1e-5);
  EXPECT_EQ(checkpoint.names(), CheckpointReader::open(base_).names());
}

TEST_P(GoldenLora, AFreshAdapterChangesNothing) {
  const std::vector<float> plain = logits(model_, config_);
  add_lora(ctx_, model_, config_, {.rank = 5, .alpha = 10}, 3);
  EXPECT_EQ(logits(model_, config_), plain);
  double squares = 0;
  std::int64_t count = 0;
  for (const auto& [spec, weight] : trained()) {
    if (!spec.name.ends_with("q_proj.lora_A.weight")) continue;
    for (const float value : weight.values<float>()) squares += static_cast<double>(value * value);
    count += weight.count();
  }
  // Uniform within 1 / sqrt(32): variance 1 / 96.
  EXPECT_NEAR(squares / static_cast<double>(count), 1.0 / 96, 0.2 / 96);
}

TEST_P(GoldenLora, RefusesWhatDoesNotFit) {
  const test::TemporaryFolder folder;
  const auto error_with = [&](const char* key, const Json& value) {
    const std::filesystem::path copy = folder.path() / "adapter";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(root_ / "adapter", copy);
    Json config = read_json(copy / "adapter_config.json");
    config[key] = value;
    write_file_atomically(copy / "adapter_config.json", config.dump());
    Graft model = model_;
    GraftConfig graft_config = config_;
    try {
      load_adapter(ctx_, copy, model, graft_config);
    } catch (const Error& error) {
      EXPECT_FALSE(graft_config.lora.has_value());
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto expect_error = [&](const char* key, const Json& value, const char* part) {
    const std::string error = error_with(key, value);
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  expect_error("peft_type", "LOHA", "peft_type is 'LOHA', expected 'LORA'");
  expect_error("use_dora", true, "use_dora is true, expected false");
  expect_error("rank_pattern", {{"q_proj", 8}}, "rank_pattern is {\"q_proj\":8}, expected {}");
  expect_error("r", 7, "lora_A.weight' is f32 of shape");
  expect_error("r", 0, "rank is 0, expected 1 to 65536");
  expect_error("lora_alpha", -1, "alpha is -1, expected a positive number");
  expect_error("target_modules", "all-linear", "target_modules");
  expect_error("target_modules", {"q_proj", "qkv"}, "target_modules names 'qkv'");
  expect_error("target_modules", {"q_proj"}, "has no place in the model");
}

INSTANTIATE_TEST_SUITE_P(Bases, GoldenLora, testing::Values("graft", "decoder"),
                         [](const auto& entry) { return entry.param; });

TEST(Lora, AnAdapterHoldsNoWeightsOfTheDecoder) {
  const test::TemporaryFolder folder;
  const WeightSpec norm{"model.norm.weight", {4}, Part::decoder, -1};
  EXPECT_THROW(save_adapter(folder.path() / "adapter", {{norm, Tensor::zeros(DType::f32, {4})}}, {}, "base"),
               Error);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "adapter"));
}

}  // namespace
}  // namespace artemis

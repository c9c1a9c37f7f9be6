// The loss and every gradient of the golden models, on the GPU against the CPU.
#include <numeric>

#include "artemis/model/load.h"
#include "artemis/train/trainer.h"
#include "both.h"
#include "support/golden.h"

namespace artemis::testing {
namespace {

// A golden case as a batch of its own.
Batch read_batch(const std::filesystem::path& root, const std::string& name) {
  const SafetensorsFile file = SafetensorsFile::open(root / (name + ".safetensors"));
  Batch batch;
  batch.keys = {name};
  batch.text.input_ids = golden::ids(file, "input_ids");
  batch.text.offsets = {0, static_cast<std::int32_t>(batch.text.input_ids.size())};
  batch.text.positions.resize(batch.text.input_ids.size());
  std::iota(batch.text.positions.begin(), batch.text.positions.end(), 0);
  batch.pictures = golden::pictures(file);
  const std::vector<std::int32_t> labels = golden::ids(file, "labels");
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    batch.supervision.rows.push_back(static_cast<std::int32_t>(i - 1));
    batch.supervision.labels.push_back(labels[i]);
  }
  return batch;
}

class CudaModel : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ARTEMIS_NEED_GPU(gpu_);
    root_ = golden::model_root() / GetParam();
    config_ = read_graft_config(root_ / "checkpoint");
    batch_ = read_batch(root_, "three_images");
  }

  Graft load(Context& ctx, DType dtype) const {
    return load_graft(ctx, CheckpointReader::open(root_ / "checkpoint"), config_, dtype);
  }

  struct Result {
    double loss;  // of a token
    Graft gradients;
  };
  Result loss_and_gradients(Context& ctx, DType dtype) const {
    const Graft model = load(ctx, dtype);
    const auto count = static_cast<double>(batch_.supervision.count());
    const Trainable all{.projector = true, .decoder = true, .tower = true};
    Result result{.loss = 0, .gradients = make_gradients(config_, all, ctx.device())};
    result.loss =
        graft_loss_and_gradients(ctx, result.gradients, batch_.text, batch_.pictures, batch_.supervision,
                                 static_cast<float>(1.0 / count), model, config_) /
        count;
    return result;
  }

  void compare(DType dtype, double loss_tolerance, double gradient_tolerance) {
    Result expected = loss_and_gradients(cpu_, dtype);
    Result actual = loss_and_gradients(*gpu_, dtype);
    EXPECT_NEAR(actual.loss, expected.loss, loss_tolerance * expected.loss);
    std::vector<Tensor> on_cpu;
    for_each_weight(expected.gradients, config_,
                    [&](const WeightSpec&, Tensor& gradient) { on_cpu.push_back(gradient); });
    std::size_t at = 0;
    for_each_weight(actual.gradients, config_, [&](const WeightSpec& spec, Tensor& gradient) {
      EXPECT_LE(difference(gradient.to(Device{}), on_cpu.at(at++)), gradient_tolerance) << spec.name;
    });
    EXPECT_GT(at, 50u);
  }

  std::vector<double> losses_of_training(Context& ctx) const {
    Graft model = load(ctx, DType::f32);
    TrainOptions options;
    options.steps = 8;
    options.learning_rate = 1e-3;
    Trainer trainer(ctx, model, config_, training_stage(2, 1), options);
    std::vector<double> losses;
    // Two micro-batches, of which the GPU makes one pass.
    const std::vector<Batch> micro_batches = {batch_, batch_};
    for (int step = 0; step < 8; ++step) losses.push_back(trainer.step(micro_batches).loss);
    return losses;
  }

  Context cpu_{Device{}, 2};
  std::unique_ptr<Context> gpu_;
  std::filesystem::path root_;
  GraftConfig config_;
  Batch batch_;
};

TEST_P(CudaModel, LossAndGradientsInF32) { compare(DType::f32, 1e-5, 1e-3); }

// Two bf16 computations that round at different places.
TEST_P(CudaModel, LossAndGradientsInBf16) { compare(DType::bf16, 1e-2, 1e-1); }

TEST_P(CudaModel, EightStepsOfStageTwo) {
  const std::vector<double> expected = losses_of_training(cpu_);
  const std::vector<double> actual = losses_of_training(*gpu_);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-3) << "step " << i;
  EXPECT_LT(actual.back(), actual.front());
  EXPECT_EQ(losses_of_training(*gpu_), actual) << "another run, other bits";
}

// A token id outside the vocabulary is refused before a kernel reads past the table.
TEST_P(CudaModel, ForeignTokensAreRefused) {
  const Graft model = load(*gpu_, DType::f32);
  batch_.text.input_ids[0] = static_cast<std::int32_t>(config_.text.vocab_size);
  EXPECT_THROW(graft_loss(*gpu_, batch_.text, batch_.pictures, batch_.supervision, model, config_), Error);
}

INSTANTIATE_TEST_SUITE_P(Configurations, CudaModel, ::testing::ValuesIn(golden::configurations()),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace artemis::testing

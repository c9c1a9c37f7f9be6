// What a step takes of memory, and several micro-batches as one pass.
#include "artemis/train/memory_plan.h"

#include "artemis/model/load.h"
#include "artemis/train/run.h"
#include "artemis/train/trainer.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

constexpr PassSize two_rows{.sequences = 2, .tokens = 900, .supervised = 20, .patches = 64};

class MemoryPlan : public testing::Test {
 protected:
  std::filesystem::path root_ = golden::model_root() / golden::configurations().front() / "checkpoint";
  GraftConfig config_ = read_graft_config(root_);
  Trainable stage1_ = training_stage(1, 0);
  Trainable stage2_ = training_stage(2, 0);

  std::size_t bytes(const Trainable& trainable, Recompute recompute) const {
    return pass_bytes(config_, DType::f32, trainable, two_rows, recompute);
  }
};

// The plan is that of a real pass, but for the kernels' own scratch and the GPU's coarser alignment.
TEST_F(MemoryPlan, IsWhatAPassTakes) {
  for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    Context ctx(Device{}, 1);
    const Graft model = load_graft(ctx, CheckpointReader::open(root_), config_, DType::f32);
    const Batch batch = blank_batch(config_, two_rows, Device{});
    std::ranges::fill(batch.pictures.pixel_values.mutable_values<float>(), 0.5f);
    const Graft gradients = make_gradients(config_, stage2_);
    graft_loss_and_gradients(ctx, gradients, batch.text, batch.pictures, batch.supervision, 1.0f, model,
                             config_, recompute);
    const std::size_t scratch = std::size_t{384} << 20;
    const auto taken = static_cast<double>(ctx.arena().peak() + batch.pictures.pixel_values.bytes());
    EXPECT_NEAR(static_cast<double>(bytes(stage2_, recompute) - scratch), taken, 0.25 * taken);
  }
}

TEST_F(MemoryPlan, WhatIsMadeAgainIsNotKept) {
  EXPECT_LT(bytes(stage2_, Recompute::full), bytes(stage2_, Recompute::selective));
  EXPECT_LT(bytes(stage2_, Recompute::selective), bytes(stage2_, Recompute::none));
  EXPECT_LT(bytes(stage1_, Recompute::full), bytes(stage1_, Recompute::none));
  EXPECT_EQ(bytes(stage1_, Recompute::selective), bytes(stage1_, Recompute::none));
  EXPECT_LT(bytes(stage1_, Recompute::none), bytes(stage2_, Recompute::none));
}

// A3 in bf16, eight rows of 480 tokens with a picture of 1,024 patches each: under 40 GiB with nothing made
// again.
TEST_F(MemoryPlan, TrueSizeFits) {
  GraftConfig a3;
  VisionConfig& vision = a3.vision.emplace();
  vision.depth = 24;
  vision.hidden_size = 1024;
  vision.intermediate_size = 4096;
  vision.num_heads = 16;
  vision.out_hidden_size = 2048;
  vision.patch_size = 16;
  vision.num_position_embeddings = 2304;
  a3.text.vocab_size = 131072;
  a3.text.hidden_size = 5120;
  a3.text.intermediate_size = 14336;
  a3.text.num_hidden_layers = 40;
  a3.text.num_attention_heads = 32;
  a3.text.num_key_value_heads = 8;
  a3.text.head_dim = 128;
  const PassSize size{.sequences = 8, .tokens = 3840, .supervised = 1600, .patches = 8192};
  const TrainingMemory none = training_memory(a3, DType::bf16, stage1_, {}, size, Recompute::none);
  constexpr double gib = 1 << 30;
  EXPECT_NEAR(static_cast<double>(none.weights) / gib, 23.6, 0.2);
  EXPECT_NEAR(static_cast<double>(none.activations) / gib, 15, 1.0);
  EXPECT_LT(static_cast<double>(none.total()) / gib, 40);
  EXPECT_LT(
      static_cast<double>(training_memory(a3, DType::bf16, stage1_, {}, size, Recompute::full).total()) / gib,
      29);

  // What helps is named: making more again, and where that is not enough, fewer rows with it.
  RunConfig config;
  config.dtype = "bf16";
  config.batch_size = 8;
  config.max_length = 480;
  config.recompute = "none";
  const auto needed = [&](std::int64_t rows) {
    const std::int64_t tokens = rows * config.max_length;
    const PassSize pass{.sequences = rows, .tokens = tokens, .supervised = tokens, .patches = 4 * tokens};
    return training_memory(a3, DType::bf16, stage1_, {}, pass, Recompute::full).free_needed();
  };
  const auto refusal = [&](std::size_t free) {
    return test::error_of([&] { check_memory(config, a3, free); });
  };
  EXPECT_TRUE(refusal(needed(8)).ends_with("; recompute: full fits")) << refusal(needed(8));
  EXPECT_TRUE(refusal(needed(1)).ends_with("; batch_size 1 with recompute: full fits")) << refusal(needed(1));
}

TEST_F(MemoryPlan, ARunThatDoesNotFitIsRefusedWithWhatDoes) {
  RunConfig config;
  config.batch_size = 64;
  config.max_length = 128;
  const auto total = [&](std::int64_t rows) {
    const PassSize size{.sequences = rows,
                        .tokens = rows * config.max_length,
                        .supervised = rows * config.max_length,
                        .patches = rows * config.max_length * config_.vision->merge_length()};
    return training_memory(config_, DType::f32, stage1_, {}, size, Recompute::full).free_needed();
  };
  EXPECT_NO_THROW(check_memory(config, config_, total(64)));
  const std::string message = test::error_of([&] { check_memory(config, config_, total(64) - 1); });
  EXPECT_NE(message.find("batch_size 64"), std::string::npos) << message;
  EXPECT_NE(message.find("batch_size 32 fits"), std::string::npos) << message;
  EXPECT_NE(test::error_of([&] { check_memory(config, config_, 1000); }).find("none fits"),
            std::string::npos);
  EXPECT_NE(test::error_of([&] { check_memory(config, config_, total(64), 1); }).find("eval.bare"),
            std::string::npos);
}

TEST_F(MemoryPlan, ABudgetThatDoesNotFitIsRefusedWithOneThatDoes) {
  RunConfig config;
  config.token_budget = 8192;
  config.max_length = 1024;
  std::size_t free = 1000;  // bytes; twice as much until something fits
  std::string message;
  do {
    message = test::error_of([&] { check_memory(config, config_, free); });
    free *= 2;
  } while (message.find("none fits: expected a shorter max_length and token_budget") != std::string::npos);
  EXPECT_NE(message.find("activations of token_budget 8192"), std::string::npos) << message;
  const std::size_t place = message.find("; token_budget ");
  ASSERT_NE(place, std::string::npos) << message;
  config.token_budget = std::stoll(message.substr(place + std::string_view("; token_budget ").size()));
  EXPECT_GE(config.token_budget, config.max_length);
  EXPECT_NO_THROW(check_memory(config, config_, free / 2));
}

TEST(Joining, IsNotBoughtWithMoreMadeAgain) {
  using Choice = std::optional<Recompute>;
  const Choice none = Recompute::none;
  const Choice full = Recompute::full;
  EXPECT_TRUE(worth_joining(none, std::vector{none, none}));
  EXPECT_TRUE(worth_joining(full, std::vector{none, full}));
  EXPECT_FALSE(worth_joining(full, std::vector{none, none}));
  EXPECT_FALSE(worth_joining(Choice(), std::vector{full, none}));
}

// One pass over two batches gives the sum of their gradients, each with its weight.
TEST_F(MemoryPlan, JoinedBatchesGiveTheSameGradients) {
  Context ctx(Device{}, 1);
  const Graft model = load_graft(ctx, CheckpointReader::open(root_), config_, DType::f32);
  std::vector<Batch> batches = {
      blank_batch(config_, two_rows, Device{}),
      blank_batch(config_, {.sequences = 1, .tokens = 33, .supervised = 7, .patches = 16}, Device{})};
  std::uint64_t seed = 5;
  for (Batch& batch : batches) {
    Random random(seed++);
    for (float& pixel : batch.pictures.pixel_values.mutable_values<float>()) pixel = random.normal();
    for (std::int32_t& label : batch.supervision.labels) label = static_cast<std::int32_t>(random.below(40));
  }
  const std::vector<double> weights = {0.25, 0.5};
  const Graft separate = make_gradients(config_, stage1_);
  double sum = 0;
  for (std::size_t i = 0; i < 2; ++i)
    sum += weights[i] * graft_loss_and_gradients(ctx, separate, batches[i].text, batches[i].pictures,
                                                 batches[i].supervision, static_cast<float>(weights[i]),
                                                 model, config_);
  const Graft together = make_gradients(config_, stage1_);
  Batch all = joined(batches, weights);
  const PictureBatch* const each[] = {&batches[0].pictures, &batches[1].pictures};
  all.pictures = join_pictures(each);
  EXPECT_NEAR(
      graft_loss_and_gradients(ctx, together, all.text, all.pictures, all.supervision, 1.0f, model, config_),
      sum, 1e-5 * sum);
  const Tensor& expected = separate.multi_modal_projector.fc1.weight;
  EXPECT_LE(golden::relative_difference(together.multi_modal_projector.fc1.weight.values<float>(),
                                        expected.values<float>()),
            1e-5);
}

// A frozen decoder's backward pass leaves out what comes before each sequence's first picture, and sequences
// without one: the projector's gradient is that of a pass through all of a decoder that is trained too.
TEST_F(MemoryPlan, WhatComesBeforeAPictureIsLeftOut) {
  Context ctx(Device{}, 1);
  const Graft model = load_graft(ctx, CheckpointReader::open(root_), config_, DType::f32);
  Batch batch =
      blank_batch(config_, {.sequences = 1, .tokens = 20, .supervised = 1, .patches = 80}, Device{});
  Random random(11);
  for (float& pixel : batch.pictures.pixel_values.mutable_values<float>()) pixel = random.normal();
  // Text, picture, text; text alone; text, a smaller picture, text.
  batch.pictures.grid_thw = {{1, 4, 16}, {1, 2, 8}};
  batch.text = {};
  batch.text.offsets = {0};
  const auto append = [&](std::int64_t before, std::int64_t images, std::int64_t after) {
    for (std::int64_t i = 0; i < before + images + after; ++i) {
      const bool image = i >= before && i < before + images;
      batch.text.input_ids.push_back(image ? config_.image_token_id
                                           : 30 + static_cast<std::int32_t>(random.below(9)));
      batch.text.positions.push_back(static_cast<std::int32_t>(i));
    }
    batch.text.offsets.push_back(static_cast<std::int32_t>(batch.text.tokens()));
  };
  append(30, 16, 10);
  append(25, 0, 0);
  append(5, 4, 6);
  batch.supervision.rows = {3, 29, 46, 50, 55, 60, 85, 92, 95};  // some before a picture, some without one
  batch.supervision.labels = {31, 32, 33, 34, 35, 36, 37, 38, 31};
  const Graft whole = make_gradients(config_, stage2_);
  const double loss = graft_loss_and_gradients(ctx, whole, batch.text, batch.pictures, batch.supervision,
                                               0.5f, model, config_);
  for (const Recompute recompute : {Recompute::none, Recompute::full}) {
    const Graft frozen = make_gradients(config_, stage1_);
    EXPECT_EQ(graft_loss_and_gradients(ctx, frozen, batch.text, batch.pictures, batch.supervision, 0.5f,
                                       model, config_, recompute),
              loss);
    for (const auto& [some, all] :
         {std::pair{frozen.multi_modal_projector.fc1.weight, whole.multi_modal_projector.fc1.weight},
          std::pair{frozen.multi_modal_projector.fc2.bias, whole.multi_modal_projector.fc2.bias}}) {
      EXPECT_LE(golden::relative_difference(some.values<float>(), all.values<float>()), 1e-5);
    }
  }
}

}  // namespace
}  // namespace artemis

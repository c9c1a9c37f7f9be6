// The one block of a model's weights.
#include "artemis/model/weights.h"

#include <gtest/gtest.h>

#include "support/small_config.h"

namespace artemis {
namespace {

TEST(Weights, LieInOneBlockInCheckpointOrder) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const GraftConfig config = test::small_config(64, 64);
    Graft model = allocate_weights(config, dtype, Device{});
    const std::byte* const start = model.visual.patch_embed.weight.raw();
    std::size_t at = 0;
    for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
      EXPECT_EQ(weight.shape(), held_shape(spec.shape)) << spec.name;
      EXPECT_EQ(weight.dtype(), dtype) << spec.name;
      EXPECT_EQ(static_cast<std::size_t>(weight.raw() - start), at) << spec.name;
      at += (weight.bytes() + 255) / 256 * 256;
    });
    EXPECT_EQ(weight_bytes(config, dtype), at);
    const DecoderBlock& block = model.language_model.blocks[1];
    const Tensor qk = Tensor::joined_rows(block.q_proj.weight, block.k_proj.weight);
    EXPECT_EQ(Tensor::joined_rows(qk, block.v_proj.weight).shape(), (Shape{128, 64}));
    EXPECT_EQ(Tensor::joined_rows(block.mlp.gate_proj.weight, block.mlp.up_proj.weight).shape(),
              (Shape{192, 64}));
  }
}

TEST(Weights, ATiedHeadIsTheEmbedding) {
  GraftConfig config = test::small_config(64, 64);
  const std::size_t untied = weight_bytes(config, DType::bf16);
  config.text.tie_word_embeddings = true;
  EXPECT_EQ(weight_bytes(config, DType::bf16), untied - 64 * 64 * 2);
  const Graft model = allocate_weights(config, DType::bf16, Device{});
  EXPECT_EQ(model.language_model.lm_head.raw(), model.language_model.embed_tokens.raw());
}

TEST(Weights, RandomOnesAreFiniteAndAllDifferent) {
  Context ctx(Device{}, 2);
  const GraftConfig config = test::small_config(64, 64);
  Graft model = random_weights(ctx, config, DType::f32, 7);
  for (const float one : model.language_model.norm.weight.values<float>()) EXPECT_EQ(one, 1.0f);
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    if (spec.shape.rank() < 2 && !spec.name.ends_with(".bias")) return;
    double squares = 0;
    for (const float value : weight.values<float>()) squares += static_cast<double>(value) * value;
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(weight.count())), 0.02, 0.008) << spec.name;
  });
  EXPECT_NE(model.language_model.blocks[0].q_proj.weight.values<float>()[0],
            model.language_model.blocks[1].q_proj.weight.values<float>()[0]);
}

}  // namespace
}  // namespace artemis

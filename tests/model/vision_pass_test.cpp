// The tower in pieces gives the bits that it gives whole. On ARTEMIS_TEST_DEVICE.
#include <gtest/gtest.h>

#include <limits>

#include "artemis/core/random.h"
#include "artemis/model/graft.h"
#include "artemis/model/weights.h"
#include "support/device.h"
#include "support/small_config.h"

namespace artemis {
namespace {

// A head's size and the dtype.
class VisionPieces : public testing::TestWithParam<std::tuple<std::int64_t, DType>> {};

TEST_P(VisionPieces, GiveWhatTheWholeGives) {
  const auto& [head_dim, dtype] = GetParam();
  GraftConfig config = test::small_config(64, 64);
  VisionConfig& vision = *config.vision;
  vision.num_heads = 5;
  vision.hidden_size = vision.num_heads * head_dim;
  vision.depth = 3;
  Context ctx(test_device(), 2);
  ctx.set_batch_invariant(true);
  const Graft model = random_weights(ctx, config, dtype, 3);

  PictureBatch pictures;
  pictures.grid_thw = {{1, 6, 10}, {3, 2, 4}, {1, 16, 18}};
  std::int64_t patches = 0;
  for (const auto& [frames, rows, columns] : pictures.grid_thw) patches += frames * rows * columns;
  pictures.pixel_values = Tensor::allocate(DType::f32, {patches, vision.patch_width()});
  Random random(5);
  for (float& value : pictures.pixel_values.mutable_values<float>()) value = 2 * random.uniform() - 1;

  const Shape shape{image_tokens(vision, pictures), config.text.hidden_size};
  const auto bytes_of = [&](const Tensor& features) {
    ctx.synchronize();
    const Tensor host = features.to(Device{});
    return std::vector<std::byte>(host.raw(), host.raw() + host.bytes());
  };
  const Tensor whole = Tensor::allocate(dtype, shape, ctx.device());
  image_features(ctx, whole, pictures, model, config);
  const std::vector<std::byte> expected = bytes_of(whole);

  Arena state(VisionPass::state_bytes(dtype, vision, patches), ctx.device());
  const std::int64_t all = std::numeric_limits<std::int64_t>::max();
  const std::int64_t two_heads = 2 * (2 * head_dim * (60 * 60 + 3 * 8 * 8 + 288 * 288));
  for (const std::int64_t work : {std::int64_t{1}, two_heads, all}) {
    state.release_to(0);
    VisionPass pass(ctx, state, pictures, model.visual, vision);
    int pieces = 0;
    for (; !pass.done(); ++pieces) pass.advance(ctx, work);
    const std::int64_t most = vision.depth * (2 + vision.num_heads);
    EXPECT_TRUE(work == all ? pieces == 1
                : work == 1 ? pieces == most
                            : pieces > 1 && pieces < most)
        << pieces;
    const Tensor features = Tensor::allocate(dtype, shape, ctx.device());
    image_features(ctx, features, pass, model, config);
    EXPECT_EQ(bytes_of(features), expected) << "pieces of " << work;
  }
}

INSTANTIATE_TEST_SUITE_P(Towers, VisionPieces,
                         testing::Combine(testing::Values(36, 64, 72),
                                          testing::Values(DType::f32, DType::bf16)));

}  // namespace
}  // namespace artemis

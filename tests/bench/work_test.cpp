// The batches that are measured, and the work counted for them.
#include "artemis/bench/work.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "artemis/bench/timing.h"

namespace artemis::bench {
namespace {

TEST(Work, MedianIsTheMiddle) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({5}), 5);
}

TEST(Work, A3HasItsPublishedSize) {
  const ParameterCounts counts = count_parameters(find_preset("a3").config);
  EXPECT_EQ(counts.decoder, 12247782400);
  EXPECT_EQ(counts.projector, 2048 * 5120 + 5120 + 5120 * 5120 + 5120);
}

// 10.9 billion of its elements multiply each token, the head's 0.67 billion those whose logits are asked for.
TEST(Work, OfA3) {
  const Preset a3 = find_preset("a3");
  const double blocks = block_parameters(a3.config, Part::decoder);
  const double head = 131072.0 * 5120.0;
  EXPECT_EQ(blocks + 2 * head + 81 * 5120.0, 12247782400.0);
  const double sample = stage1_flop(a3.config, a3.lengths);
  EXPECT_EQ(sample, 4 * 480 * blocks + 4 * 200 * head + picture_flop(a3.config, 512));
  EXPECT_NEAR(797e12 / sample, 35, 1.5);  // samples/s on an H200
  EXPECT_NEAR(4.21e12 / decode_bytes(a3.config, DType::bf16, 0), 182, 1);
  EXPECT_EQ(decode_bytes(a3.config, DType::bf16, 1) - decode_bytes(a3.config, DType::bf16, 0),
            2.0 * 40 * 2 * 1024);
}

TEST(Work, ACaptionBatchIsWhatTheTrainerTakes) {
  const Preset small = find_preset("small");
  const Batch batch = caption_batch(small.config, small.lengths, 3);
  constexpr std::int32_t length = 4 + 8 + 16;  // picture, prompt, caption
  EXPECT_EQ(batch.text.offsets, (std::vector<std::int32_t>{0, length, 2 * length, 3 * length}));
  EXPECT_EQ(std::ranges::count(batch.text.input_ids, small.config.image_token_id), 3 * 4);
  EXPECT_EQ(batch.pictures.pixel_values.shape(), (Shape{3 * 16, 1536}));
  ASSERT_EQ(batch.supervision.count(), 3 * 16);
  for (std::size_t i = 0; i < batch.supervision.rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(batch.supervision.rows[i]);
    EXPECT_EQ(batch.supervision.labels[i], batch.text.input_ids[row + 1]);
  }
  EXPECT_EQ(batch.supervision.rows.front(), length - 16 - 1);
  EXPECT_EQ(batch.supervision.rows.back(), 3 * length - 2);
}

TEST(Work, UnknownPresetsAreUsageErrors) { EXPECT_THROW(find_preset("huge"), UsageError); }

}  // namespace
}  // namespace artemis::bench

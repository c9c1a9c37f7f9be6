#include "artemis/core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "artemis/core/random.h"

namespace artemis {
namespace {

TEST(ThreadPool, RunsEveryTileOnce) {
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int repeat = 0; repeat < 200; ++repeat) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(repeat));
      pool.run(repeat, [&](std::int64_t tile) { ++runs[static_cast<std::size_t>(tile)]; });
      for (const auto& count : runs) ASSERT_EQ(count.load(), 1);
    }
  }
}

TEST(ThreadPool, RangesCoverWithoutOverlap) {
  ThreadPool pool(3);
  std::vector<int> seen(1001);
  pool.ranges(1001, 10, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_LE(end - begin, 10);
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(seen, std::vector<int>(1001, 1));
}

TEST(ThreadPool, ACallFromInsideRunsOnThatThread) {
  ThreadPool pool(2);
  std::atomic<int> runs = 0;
  pool.run(4, [&](std::int64_t) { pool.run(5, [&](std::int64_t) { ++runs; }); });
  EXPECT_EQ(runs.load(), 20);
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolGoesOn) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(100,
                        [](std::int64_t tile) {
                          if (tile == 50) throw std::runtime_error("tile 50");
                        }),
               std::runtime_error);
  std::atomic<int> runs = 0;
  pool.run(10, [&](std::int64_t) { ++runs; });
  EXPECT_EQ(runs.load(), 10);
}

// Known answers of the Random123 library's test vectors.
TEST(Random, PhiloxKnownAnswers) {
  using Block = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, ThePositionIsTheWholeState) {
  Random first(9, 3);
  for (int i = 0; i < 7; ++i) first.next_u32();
  Random second(9, 3);
  second.set_position(first.position());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(first.next_u64(), second.next_u64());
  EXPECT_NE(Random(9, 3).next_u64(), Random(9, 4).next_u64());
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(1);
  constexpr int count = 100000;
  double sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < count; ++i) {
    const float u = random.uniform();
    ASSERT_TRUE(u >= 0.0f && u < 1.0f);
    sum += static_cast<double>(u);
    const auto z = static_cast<double>(random.normal());
    normal_sum += z;
    normal_squares += z * z;
  }
  // Four standard errors of each mean.
  EXPECT_NEAR(sum / count, 0.5, 4 * 0.2887 / 316.2);
  EXPECT_NEAR(normal_sum / count, 0.0, 4 / 316.2);
  EXPECT_NEAR(normal_squares / count, 1.0, 4 * 1.414 / 316.2);
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  Random random(2);
  std::vector<int> seen(7);
  for (int i = 0; i < 7000; ++i) ++seen[random.below(7)];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 4 * 29.3);
}

}  // namespace
}  // namespace artemis

#include "artemis/kernels/sum_words.h"

#include <gtest/gtest.h>

#include "artemis/core/random.h"

namespace artemis {
namespace {

TEST(SumWords, OfAnyLengthAtAnyThreadCount) {
  for (const std::int64_t words : {0, 2, 62, 12346}) {
    Random random(3);
    const Tensor x = Tensor::allocate(DType::i64, {words});
    std::uint64_t expected = 0;
    for (std::int64_t& word : x.mutable_values<std::int64_t>()) {
      word = static_cast<std::int64_t>(random.next_u64());
      expected += static_cast<std::uint64_t>(word);
    }
    for (const int threads : {1, 3}) {
      Context ctx(Device{}, threads);
      const Tensor sum = Tensor::zeros(DType::i64, {1});
      sum_words(ctx, sum, x);
      EXPECT_EQ(static_cast<std::uint64_t>(sum.values<std::int64_t>()[0]), expected) << words;
    }
  }
}

}  // namespace
}  // namespace artemis

#include "artemis/core/tensor.h"

#include <gtest/gtest.h>

#include <numeric>

#include "artemis/core/arena.h"

namespace artemis {
namespace {

Tensor counting(const Shape& shape) {
  Tensor tensor = Tensor::allocate(DType::f32, shape);
  std::iota(tensor.mutable_values<float>().begin(), tensor.mutable_values<float>().end(), 0.0f);
  return tensor;
}

TEST(Shape, CountsAndPrints) {
  EXPECT_EQ((Shape{2, 3, 4}).count(), 24);
  EXPECT_EQ(Shape{}.count(), 1);
  EXPECT_EQ((Shape{5, 0}).count(), 0);
  EXPECT_EQ((Shape{2, 3}).to_string(), "(2, 3)");
  EXPECT_EQ(Shape{}.to_string(), "()");
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
}

TEST(Tensor, RowsAndColumnsShareTheStorage) {
  const Tensor whole = counting({4, 5});
  const Tensor part = whole.rows(1, 3).columns(2, 4);
  EXPECT_EQ(part.shape(), (Shape{2, 2}));
  EXPECT_EQ(part.row_stride(), 5);
  EXPECT_FALSE(part.contiguous());
  EXPECT_EQ(part.data<float>()[0], 7.0f);
  EXPECT_EQ(part.data<float>()[part.row_stride() + 1], 13.0f);
  part.mutable_data<float>()[0] = -1.0f;
  EXPECT_EQ(whole.data<float>()[7], -1.0f);
}

TEST(Tensor, ViewsKeepTheElements) {
  const Tensor tensor = counting({2, 6}).view({3, 2, 2});
  EXPECT_EQ(tensor.row_size(), 4);
  EXPECT_EQ(tensor.rows(2, 3).data<float>()[0], 8.0f);
  EXPECT_EQ(tensor.bytes(), 48u);
}

TEST(Tensor, UndefinedIsAbsentAndRankZeroIsNot) {
  EXPECT_FALSE(Tensor().defined());
  EXPECT_EQ(Tensor().count(), 0);
  const float value = 3.0f;
  const Tensor scalar = Tensor::from<float>(std::span(&value, 1), Shape{});
  EXPECT_TRUE(scalar.defined());
  EXPECT_EQ(scalar.count(), 1);
  EXPECT_TRUE(Tensor::allocate(DType::f32, {0, 3}).defined());
}

TEST(TensorDeathTest, ReadOnlyMemoryIsNotWritten) {
  float value = 1.0f;
  const Tensor tensor = Tensor::wrap(&value, DType::f32, {1}, Device{}, nullptr, true);
  EXPECT_EQ(tensor.data<float>()[0], 1.0f);
  EXPECT_DEATH(tensor.mutable_data<float>(), "internal error");
  EXPECT_DEATH(tensor.data<bfloat16>(), "internal error");
}

TEST(Arena, ScopesGiveBackAndThePeakIsKept) {
  Arena arena(1 << 20);
  const Tensor first = arena.allocate(DType::f32, {100});
  const std::size_t used = arena.used();
  {
    const Arena::Scope scope(arena);
    const Tensor second = arena.allocate(DType::bf16, {3, 7});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second.raw()) % 64, 0u);
    EXPECT_NE(second.raw(), first.raw());
    EXPECT_GT(arena.used(), used);
  }
  EXPECT_EQ(arena.used(), used);
  EXPECT_EQ(arena.peak(), used + 64);
}

TEST(Arena, RefusesMoreThanItHolds) {
  Arena arena(1 << 12);
  EXPECT_THROW(arena.allocate(DType::f32, {2000}), Error);
  EXPECT_TRUE(arena.allocate(DType::f32, {1000}).defined());
}

}  // namespace
}  // namespace artemis

#include "artemis/core/shape.h"

#include <algorithm>

#include "artemis/core/error.h"

namespace artemis {

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  ARTEMIS_ASSERT(extents.size() <= max_rank);
  std::ranges::copy(extents, extents_.begin());
}

std::int64_t Shape::count() const {
  std::int64_t product = 1;
  for (std::int64_t extent : extents()) product *= extent;
  return product;
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (int axis = 0; axis < rank_; ++axis) text += fmt::format("{}{}", axis == 0 ? "" : ", ", (*this)[axis]);
  return text + ")";
}

}  // namespace artemis

#include "artemis/core/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace artemis {
namespace {

std::int64_t elements_after_first(const Shape& shape) {
  std::int64_t product = 1;
  for (int axis = 1; axis < shape.rank(); ++axis) product *= shape[axis];
  return product;
}

}  // namespace

std::int64_t Tensor::row_size() const { return elements_after_first(shape_); }

Tensor Tensor::wrap(void* data, DType dtype, const Shape& shape, Device device,
                    std::shared_ptr<const void> owner, bool read_only) {
  Tensor tensor;
  tensor.data_ = static_cast<std::byte*>(data);
  tensor.owner_ = std::move(owner);
  tensor.shape_ = shape;
  tensor.row_stride_ = elements_after_first(shape);
  tensor.device_ = device;
  tensor.dtype_ = dtype;
  tensor.read_only_ = read_only;
  return tensor;
}

Tensor Tensor::allocate(DType dtype, const Shape& shape) {
  constexpr std::size_t alignment = 64;
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * dtype_size(dtype);
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return wrap(memory, dtype, shape, Device{}, std::shared_ptr<const void>(memory, std::free), false);
}

Tensor Tensor::zeros(DType dtype, const Shape& shape) {
  Tensor tensor = allocate(dtype, shape);
  std::memset(tensor.data_, 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::view(const Shape& shape) const {
  ARTEMIS_ASSERT(contiguous() && shape.count() == count());
  Tensor tensor = *this;
  tensor.shape_ = shape;
  tensor.row_stride_ = elements_after_first(shape);
  return tensor;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  ARTEMIS_ASSERT(shape_.rank() >= 1 && 0 <= begin && begin <= end && end <= shape_[0]);
  Tensor tensor = *this;
  std::array<std::int64_t, Shape::max_rank> extents{};
  std::copy(shape_.extents().begin(), shape_.extents().end(), extents.begin());
  extents[0] = end - begin;
  tensor.shape_ = Shape(std::span<const std::int64_t>(extents.data(), shape_.extents().size()));
  tensor.data_ += static_cast<std::size_t>(begin * row_stride_) * dtype_size(dtype_);
  return tensor;
}

Tensor Tensor::columns(std::int64_t begin, std::int64_t end) const {
  ARTEMIS_ASSERT(shape_.rank() == 2 && 0 <= begin && begin <= end && end <= shape_[1]);
  Tensor tensor = *this;
  tensor.shape_ = Shape{shape_[0], end - begin};
  tensor.data_ += static_cast<std::size_t>(begin) * dtype_size(dtype_);
  return tensor;
}

}  // namespace artemis

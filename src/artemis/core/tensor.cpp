#include "artemis/core/tensor.h"

#include <cstring>

#include "artemis/core/gpu.h"
#include "artemis/core/host_memory.h"

namespace artemis {
namespace {

// Of tensors that have none; aligned as a GPU's.
std::byte* const no_memory = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 20);

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

Tensor Tensor::allocate(DType dtype, const Shape& shape, Device device) {
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * dtype_size(dtype);
  if (device.kind == DeviceKind::meta) return wrap(no_memory, dtype, shape, device, nullptr, false);
  if (device.kind == DeviceKind::cuda) {
    const std::shared_ptr<void> memory = gpu_allocate(device, bytes);
    return wrap(memory.get(), dtype, shape, device, memory, false);
  }
  const std::shared_ptr<void> memory = host_allocate(bytes);
  return wrap(memory.get(), dtype, shape, device, memory, false);
}

Tensor Tensor::zeros(DType dtype, const Shape& shape, Device device) {
  Tensor tensor = allocate(dtype, shape, device);
  if (device.kind == DeviceKind::cuda) {
    gpu_zero(device, tensor.data_, tensor.bytes());
  } else if (device.kind == DeviceKind::cpu) {
    std::memset(tensor.data_, 0, tensor.bytes());
  }
  return tensor;
}

Tensor Tensor::to(Device device) const {
  if (device_ == device || !defined()) return *this;
  Tensor tensor = allocate(dtype_, shape_, device);
  copy(tensor, *this);
  return tensor;
}

RowCopy row_copy(const Tensor& to, const Tensor& from) {
  ARTEMIS_ASSERT(to.shape() == from.shape() && to.dtype() == from.dtype());
  const std::size_t element = dtype_size(to.dtype());
  const bool single = to.shape().rank() == 0;
  return {.to = to.mutable_raw(),
          .to_stride = static_cast<std::size_t>(to.row_stride()) * element,
          .from = from.raw(),
          .from_stride = static_cast<std::size_t>(from.row_stride()) * element,
          .row_bytes = static_cast<std::size_t>(to.row_size()) * element,
          .rows = single ? 1 : static_cast<std::size_t>(to.dim(0))};
}

void copy(const Tensor& to, const Tensor& from) {
  if (to.count() == 0) return;
  if (to.device().kind == DeviceKind::meta) return;
  const RowCopy rows = row_copy(to, from);
  if (from.device().kind == DeviceKind::meta) {
    for (std::size_t i = 0; i < rows.rows; ++i)
      std::memset(static_cast<std::byte*>(rows.to) + i * rows.to_stride, 0, rows.row_bytes);
    return;
  }
  if (to.device().kind == DeviceKind::cuda || from.device().kind == DeviceKind::cuda) {
    gpu_copy(to.device().kind == DeviceKind::cuda ? to.device() : from.device(), rows);
    return;
  }
  for (std::size_t i = 0; i < rows.rows; ++i) {
    std::memcpy(static_cast<std::byte*>(rows.to) + i * rows.to_stride,
                static_cast<const std::byte*>(rows.from) + i * rows.from_stride, rows.row_bytes);
  }
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

Tensor Tensor::joined_rows(const Tensor& first, const Tensor& second) {
  if (!first || !second || first.owner_ != second.owner_ || first.owner_ == nullptr) return {};
  if (first.dtype_ != second.dtype_ || first.row_size() != second.row_size()) return {};
  if (!first.contiguous() || !second.contiguous()) return {};
  if (first.data_ + first.bytes() != second.data_) return {};
  Tensor tensor = first;
  std::array<std::int64_t, Shape::max_rank> extents{};
  std::copy(first.shape_.extents().begin(), first.shape_.extents().end(), extents.begin());
  extents[0] += second.shape_[0];
  tensor.shape_ = Shape(std::span<const std::int64_t>(extents.data(), first.shape_.extents().size()));
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

// A typed view of memory on a device. Copying a Tensor copies the view; the storage is shared.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "artemis/core/device.h"
#include "artemis/core/dtype.h"
#include "artemis/core/error.h"
#include "artemis/core/shape.h"

namespace artemis {

// Row-major. All axes but the first are contiguous; the first has a stride of its own, so that a range of
// columns of a matrix is a tensor too. An undefined Tensor (the default) stands for "absent".
class Tensor {
 public:
  Tensor() = default;

  // Uninitialised memory of its own, aligned to 64 bytes.
  static Tensor allocate(DType dtype, const Shape& shape, Device device = {});
  // As allocate, filled with zero bytes.
  static Tensor zeros(DType dtype, const Shape& shape, Device device = {});
  // A view of memory that `owner` keeps alive (null: the caller does). A read_only view refuses mutable
  // data().
  static Tensor wrap(void* data, DType dtype, const Shape& shape, Device device,
                     std::shared_ptr<const void> owner, bool read_only);
  // A copy of the values on the CPU.
  template <typename T>
  static Tensor from(std::span<const T> values, const Shape& shape);

  bool defined() const { return data_ != nullptr || shape_.rank() > 0; }
  explicit operator bool() const { return defined(); }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(int axis) const { return shape_[axis]; }
  std::int64_t count() const { return defined() ? shape_.count() : 0; }
  Device device() const { return device_; }
  bool read_only() const { return read_only_; }

  // Elements from the start of one row to the next.
  std::int64_t row_stride() const { return row_stride_; }
  // Elements in one row: the product of all axes but the first.
  std::int64_t row_size() const;
  bool contiguous() const { return shape_.rank() == 0 || shape_[0] <= 1 || row_stride_ == row_size(); }
  // Bytes of the elements, without gaps between rows.
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * dtype_size(dtype_); }

  const std::byte* raw() const { return data_; }
  std::byte* mutable_raw() const {
    ARTEMIS_ASSERT(!read_only_);
    return data_;
  }
  template <typename T>
  const T* data() const {
    ARTEMIS_ASSERT(dtype_ == dtype_of<T>::value);
    return reinterpret_cast<const T*>(data_);
  }
  template <typename T>
  T* mutable_data() const {
    ARTEMIS_ASSERT(dtype_ == dtype_of<T>::value && !read_only_);
    return reinterpret_cast<T*>(data_);
  }
  // The values of a contiguous tensor on the CPU.
  template <typename T>
  std::span<const T> values() const {
    ARTEMIS_ASSERT(contiguous() && device_.kind == DeviceKind::cpu);
    return {data<T>(), static_cast<std::size_t>(count())};
  }
  template <typename T>
  std::span<T> mutable_values() const {
    ARTEMIS_ASSERT(contiguous() && device_.kind == DeviceKind::cpu);
    return {mutable_data<T>(), static_cast<std::size_t>(count())};
  }

  // This tensor when it lives on the device, else a contiguous copy there, in order with all work of a GPU.
  Tensor to(Device device) const;
  // The same elements of a contiguous tensor under another shape of equal count.
  Tensor view(const Shape& shape) const;
  // Rows [begin, end) of the first axis.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  // The rows of `first` and then those of `second`, when these lie right behind them in one block of memory;
  // undefined otherwise. Contiguous, of one dtype and row shape.
  static Tensor joined_rows(const Tensor& first, const Tensor& second);
  // Columns [begin, end) of a matrix.
  Tensor columns(std::int64_t begin, std::int64_t end) const;

 private:
  std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  Shape shape_;
  std::int64_t row_stride_ = 0;
  Device device_;
  DType dtype_ = DType::f32;
  bool read_only_ = false;
};

// The same values from one tensor to another of its shape and dtype, on any two devices, in order with all
// work of a GPU; done on return. What has no memory (meta) reads as zeros.
void copy(const Tensor& to, const Tensor& from);

// The bytes that such a copy moves.
struct RowCopy;
RowCopy row_copy(const Tensor& to, const Tensor& from);

template <typename T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  ARTEMIS_ASSERT(static_cast<std::int64_t>(values.size()) == shape.count());
  Tensor tensor = allocate(dtype_of<T>::value, shape);
  std::copy(values.begin(), values.end(), tensor.mutable_data<T>());
  return tensor;
}

}  // namespace artemis

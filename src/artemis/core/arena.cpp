#include "artemis/core/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "artemis/core/gpu.h"

namespace artemis {
namespace {

// Address space on the CPU; `capacity` becomes what could be had.
std::shared_ptr<void> reserve_addresses(std::size_t& capacity) {
  const std::size_t wanted = capacity;
  void* memory = MAP_FAILED;
  // A limit on address space (ulimit -v, a sanitizer) may refuse a large reservation: halve until it fits.
  while ((memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) == MAP_FAILED) {
    require(capacity > (std::size_t{1} << 26), "arena", "cannot reserve {} bytes of address space: {}",
            wanted, std::strerror(errno));
    capacity /= 2;
  }
  return {memory, [size = capacity](void* taken) { munmap(taken, size); }};
}

}  // namespace

Arena::Arena(std::size_t capacity, Device device) : device_(device), capacity_(capacity) {
  if (device.kind != DeviceKind::cuda) reserve();
}

std::size_t Arena::capacity() {
  if (capacity_ == 0) reserve();
  return capacity_;
}

void Arena::reserve() {
  if (device_.kind == DeviceKind::cuda) {
    if (capacity_ == 0) capacity_ = share_of(gpu_free_bytes(device_));
    block_ = gpu_allocate(device_, capacity_);
  } else if (device_.kind == DeviceKind::meta) {
    if (capacity_ == 0) capacity_ = std::size_t{1} << 50;
    block_ = {Tensor::allocate(DType::u8, {0}, device_).mutable_raw(), [](void*) {}};  // addresses alone
  } else {
    if (capacity_ == 0) capacity_ = std::size_t{1} << 40;
    block_ = reserve_addresses(capacity_);
  }
}

Tensor Arena::allocate(DType dtype, const Shape& shape) {
  const std::size_t alignment = device_.kind == DeviceKind::cpu ? 64 : 256;
  if (block_ == nullptr) reserve();
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * dtype_size(dtype);
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  require(rounded <= capacity_ - used_, "arena", "{} bytes wanted, {} of {} left", bytes, capacity_ - used_,
          capacity_);
  std::byte* start = static_cast<std::byte*>(block_.get()) + used_;
  used_ += rounded;
  peak_ = std::max(peak_, used_);
  return Tensor::wrap(start, dtype, shape, device_, nullptr, false);
}

}  // namespace artemis

#include "artemis/core/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace artemis {

Arena::Arena(std::size_t capacity) : capacity_(capacity) {
  void* memory = MAP_FAILED;
  // A limit on address space (ulimit -v, a sanitizer) may refuse a large reservation: halve until it fits.
  while ((memory = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) == MAP_FAILED) {
    require(capacity_ > (std::size_t{1} << 26), "arena", "cannot reserve {} bytes of address space: {}",
            capacity, std::strerror(errno));
    capacity_ /= 2;
  }
  base_ = static_cast<std::byte*>(memory);
}

Arena::~Arena() { munmap(base_, capacity_); }

Tensor Arena::allocate(DType dtype, const Shape& shape) {
  constexpr std::size_t alignment = 64;
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * dtype_size(dtype);
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  require(rounded <= capacity_ - used_, "arena", "{} bytes wanted, {} of {} left", bytes, capacity_ - used_,
          capacity_);
  std::byte* start = base_ + used_;
  used_ += rounded;
  peak_ = std::max(peak_, used_);
  return Tensor::wrap(start, dtype, shape, Device{}, nullptr, false);
}

}  // namespace artemis

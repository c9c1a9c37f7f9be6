// Memory for activations: taken in order, given back all at once.
#pragma once

#include <cstddef>
#include <memory>

#include "artemis/core/tensor.h"

namespace artemis {

// One block, so that no tensor ever moves. On the CPU address space is reserved and pages are taken from the
// system as they are first touched, so that the reservation costs nothing; on a GPU the block is taken whole
// at the first allocation, when the weights are there; on meta bytes are counted alone. Not for use by
// several threads at once.
class Arena {
 public:
  // `capacity` in bytes; 0 stands for 1 TiB of address space, or three quarters of what is free on the GPU.
  // Allocation past it throws Error naming both figures.
  explicit Arena(std::size_t capacity = 0, Device device = {});

  // What an arena takes of a GPU's free bytes, and the free bytes of which it takes this much.
  static std::size_t share_of(std::size_t free) { return free / 4 * 3; }
  static std::size_t free_for(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

  // Uninitialised memory, aligned to 64 bytes (256 on a GPU), valid until the enclosing Scope ends.
  Tensor allocate(DType dtype, const Shape& shape);

  // Bytes in all; and whether they have been taken.
  std::size_t capacity();
  bool reserved() const { return block_ != nullptr; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }  // the most that was used since reset_peak()
  void reset_peak() { peak_ = used_; }

  // Gives back all that was allocated since used() was `mark`.
  void release_to(std::size_t mark) {
    ARTEMIS_ASSERT(mark <= used_);
    used_ = mark;
  }

  // Gives back, at its end, all that was allocated since its start.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), mark_(arena.used_) {}
    ~Scope() { arena_.used_ = mark_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    std::size_t mark_;
  };

 private:
  void reserve();

  Device device_;
  std::shared_ptr<void> block_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace artemis

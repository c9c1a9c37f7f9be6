// Memory for activations: taken in order, given back all at once.
#pragma once

#include <cstddef>
#include <memory>

#include "artemis/core/tensor.h"

namespace artemis {

// Reserves address space once; pages are taken from the system as they are first touched, so the reservation
// costs nothing and no tensor ever moves. Not for use by several threads at once.
class Arena {
 public:
  // `capacity` in bytes of address space; allocation past it throws Error naming both figures.
  explicit Arena(std::size_t capacity = std::size_t{1} << 40);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialised memory, aligned to 64 bytes, valid until the enclosing Scope ends.
  Tensor allocate(DType dtype, const Shape& shape);

  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }

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
  std::byte* base_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace artemis

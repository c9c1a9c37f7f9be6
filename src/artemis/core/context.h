// What every kernel needs beside its tensors: the device, the threads and the memory for activations.
#pragma once

#include "artemis/core/arena.h"
#include "artemis/core/device.h"
#include "artemis/core/thread_pool.h"

namespace artemis {

class Context {
 public:
  // `threads` as in ThreadPool. Throws Error for a device that this build or machine does not have.
  explicit Context(Device device = {}, int threads = 0);

  Device device() const { return device_; }
  ThreadPool& pool() { return pool_; }
  Arena& arena() { return arena_; }

  // Uninitialised activation memory on the device, valid until the enclosing Arena::Scope ends.
  Tensor allocate(DType dtype, const Shape& shape) { return arena_.allocate(dtype, shape); }

 private:
  Device device_;
  ThreadPool pool_;
  Arena arena_;
};

}  // namespace artemis

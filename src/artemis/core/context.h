// What every kernel needs beside its tensors: the device, the threads and the memory for activations.
#pragma once

#include "artemis/core/arena.h"
#include "artemis/core/device.h"
#include "artemis/core/thread_pool.h"

namespace artemis {

class GpuSession;

class Context {
 public:
  // `threads` as in ThreadPool. Throws Error for a device that this build or machine does not have.
  explicit Context(Device device = {}, int threads = 0);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Device device() const { return device_; }
  ThreadPool& pool() { return pool_; }
  Arena& arena() { return arena_; }
  // Of a context on a GPU.
  GpuSession& gpu() {
    ARTEMIS_ASSERT(gpu_ != nullptr);
    return *gpu_;
  }

  // Whether a row of a forward pass (a token, a picture's patch) has the same bits whatever other rows share
  // the pass, so that an answer does not depend on the conversations beside it nor on how its prompt was cut.
  // Off at first, since it costs speed. To be set before the first pass.
  bool batch_invariant() const { return batch_invariant_; }
  void set_batch_invariant(bool on) { batch_invariant_ = on; }

  // Uninitialised activation memory on the device, valid until the enclosing Arena::Scope ends.
  Tensor allocate(DType dtype, const Shape& shape) { return arena_.allocate(dtype, shape); }

  // Activation memory with the values of host memory, which may change on return.
  Tensor upload(DType dtype, const Shape& shape, const void* values);

  // The tensor itself when it lives on the device, else a contiguous copy in activation memory.
  Tensor on_device(const Tensor& tensor);

  // The same values of one shape and dtype, in order with the context's kernels: host memory that is read may
  // change on return, host memory that is written can be read on return.
  void copy(const Tensor& to, const Tensor& from);

  // Waits until all kernels so far are done. Throws Error with what went wrong in them.
  void synchronize();

 private:
  Device device_;
  ThreadPool pool_;
  std::unique_ptr<GpuSession> gpu_;  // null on the CPU
  Arena arena_;
  bool batch_invariant_ = false;
};

}  // namespace artemis

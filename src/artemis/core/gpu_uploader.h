// From pageable host memory (a mapped file) to a GPU at the speed of the link between them. Free of vendor
// headers, as core/gpu.h is.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "artemis/core/device.h"
#include "artemis/core/thread_pool.h"

namespace artemis {

struct Upload {
  void* to;          // on the device
  const void* from;  // on the host
  std::size_t bytes;
};

// Each thread of the pool copies to pinned buffers of its own, from which the device takes one while the
// thread fills the next.
class GpuUploader {
 public:
  // Throws Error without such a device. The pool must outlive it.
  GpuUploader(Device device, ThreadPool& pool);
  ~GpuUploader();
  GpuUploader(const GpuUploader&) = delete;
  GpuUploader& operator=(const GpuUploader&) = delete;

  // Copies the pieces, begun in this order, which for a file should be that of its bytes. They are there on
  // return; not ordered with work of the device that is still under way.
  void upload(std::span<const Upload> pieces);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Host memory that the device reads and writes at full speed. Throws Error without such a device.
std::shared_ptr<void> gpu_allocate_pinned(Device device, std::size_t bytes);

}  // namespace artemis

// What the rest of the program needs of a GPU, free of vendor headers. In a build without a GPU back end
// every function throws Error saying so. A call of the vendor's that fails becomes an Error that quotes it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "artemis/core/device.h"

struct CUstream_st;      // *: cudaStream_t
struct CUgraphExec_st;   // *: cudaGraphExec_t
struct cublasLtContext;  // *: cublasLtHandle_t

namespace artemis {

// Uninitialised memory of the device, aligned to 256 bytes. Giving it back waits for the device.
std::shared_ptr<void> gpu_allocate(Device device, std::size_t bytes);

// Zero bytes, in order with all work of the device.
void gpu_zero(Device device, void* memory, std::size_t bytes);

// As its maker calls it.
std::string gpu_name(Device device);

// Bytes of the device that nobody has taken; no more than ARTEMIS_GPU_MEMORY GiB, where that is set.
std::size_t gpu_free_bytes(Device device);

// Rows of bytes from one place to another, on the host or a GPU.
struct RowCopy {
  void* to;
  std::size_t to_stride;
  const void* from;
  std::size_t from_stride;
  std::size_t row_bytes;
  std::size_t rows;
};

// Copies in order with all work of the device; what it writes can be read on return.
void gpu_copy(Device device, const RowCopy& rows);

// What a context holds of its GPU: a stream of its own, the handle of the product library with its workspace,
// and counters.
class GpuSession {
 public:
  explicit GpuSession(Device device);
  ~GpuSession();
  GpuSession(const GpuSession&) = delete;
  GpuSession& operator=(const GpuSession&) = delete;

  CUstream_st* stream() const { return stream_; }
  cublasLtContext* products() const { return products_; }
  // Memory of the device for the products of this stream.
  std::span<std::byte> workspace() const;
  // Memory of the device for kernels of this stream that count their blocks: zeros, which each kernel leaves
  // as it finds them.
  std::span<unsigned> counters() const;

  // Copies in the stream's order. Host memory that is read may change on return; host memory that is written
  // can be read on return.
  void copy(const RowCopy& rows) const;

  // Waits for all work of the stream, and throws what went wrong in it.
  void synchronize() const;

 private:
  std::shared_ptr<void> workspace_;
  std::shared_ptr<void> counters_;
  CUstream_st* stream_ = nullptr;
  cublasLtContext* products_ = nullptr;
};

// Kernels recorded once and launched again as one: the same kernels over the same memory.
class GpuGraph {
 public:
  // Records what `work` puts into the session's stream, without running it. `work` may neither wait nor copy
  // from or to memory of the host.
  GpuGraph(const GpuSession& session, const std::function<void()>& work);
  ~GpuGraph();
  GpuGraph(const GpuGraph&) = delete;
  GpuGraph& operator=(const GpuGraph&) = delete;

  // In order with the other work of the session.
  void launch(const GpuSession& session) const;

 private:
  [[maybe_unused]] CUgraphExec_st* executable_ = nullptr;
};

}  // namespace artemis

// The CUDA back end of core/gpu.h.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>

#include "artemis/core/error.h"
#include "artemis/core/gpu.h"
#include "artemis/core/gpu/check.h"
#include "artemis/core/host_memory.h"

namespace artemis {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what NVIDIA recommends for Hopper
constexpr std::size_t counter_count = 4096;

void check(cudaError_t status, const char* call) { gpu::check(status, call); }

void check(cublasStatus_t status, const char* call) {
  require(status == CUBLAS_STATUS_SUCCESS, "cublas", "{} failed: {}", call, cublasLtGetStatusString(status));
}

#define ARTEMIS_CUDA_CHECK(call) check(call, #call)

void copy_in_stream(const RowCopy& r, cudaStream_t stream) {
  const bool gaps = r.rows > 1 && (r.to_stride != r.row_bytes || r.from_stride != r.row_bytes);
  if (gaps) {
    ARTEMIS_CUDA_CHECK(cudaMemcpy2DAsync(r.to, r.to_stride, r.from, r.from_stride, r.row_bytes, r.rows,
                                         cudaMemcpyDefault, stream));
  } else {
    ARTEMIS_CUDA_CHECK(cudaMemcpyAsync(r.to, r.from, r.row_bytes * r.rows, cudaMemcpyDefault, stream));
  }
}

// Memory that cannot be pinned is slower to copy, and unpinning what was not pinned does nothing.
void pin(void* memory, std::size_t bytes) {
  if (cudaHostRegister(memory, bytes, cudaHostRegisterPortable) != cudaSuccess)
    static_cast<void>(cudaGetLastError());
}
void unpin(void* memory) {
  if (cudaHostUnregister(memory) != cudaSuccess) static_cast<void>(cudaGetLastError());
}
constexpr HostPinning pinning{pin, unpin};

bool pinned(const void* memory) {
  cudaPointerAttributes attributes{};
  ARTEMIS_CUDA_CHECK(cudaPointerGetAttributes(&attributes, memory));
  return attributes.type == cudaMemoryTypeHost;
}

}  // namespace

void gpu::check(int status, const char* call) {
  const auto error = static_cast<cudaError_t>(status);
  require(error == cudaSuccess, "cuda", "{} failed: {}", call, cudaGetErrorString(error));
}

void gpu::select(Device device) {
  ARTEMIS_ASSERT(device.kind == DeviceKind::cuda);
  const cudaError_t status = cudaSetDevice(device.index);
  require(status == cudaSuccess, "device", "{} is not available: {}", device_name(device),
          cudaGetErrorString(status));
}

namespace {

// What this program has taken of each GPU.
std::atomic<std::size_t>& taken_of(Device device) {
  constexpr std::size_t most_devices = 256;
  static std::array<std::atomic<std::size_t>, most_devices> taken{};
  return taken.at(static_cast<std::size_t>(device.index));
}

}  // namespace

std::shared_ptr<void> gpu_allocate(Device device, std::size_t bytes) {
  gpu::select(device);
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes > 0 ? bytes : 1);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());  // this failure leaves the device usable
    fail("device", "{} has {} bytes free, {} are wanted", device_name(device), gpu_free_bytes(device), bytes);
  }
  check(status, "cudaMalloc");
  taken_of(device) += bytes;
  return {memory, [device, bytes](void* taken) {
            static_cast<void>(cudaFree(taken));
            taken_of(device) -= bytes;
          }};
}

// The default stream waits for every stream of a session, and they for it.
void gpu_zero(Device device, void* memory, std::size_t bytes) {
  gpu::select(device);
  ARTEMIS_CUDA_CHECK(cudaMemset(memory, 0, bytes));
}

std::string gpu_name(Device device) {
  cudaDeviceProp properties{};
  ARTEMIS_CUDA_CHECK(cudaGetDeviceProperties(&properties, device.index));
  return properties.name;
}

namespace {

// ARTEMIS_GPU_MEMORY, in GiB: for several programs on one GPU, since each plans with all that is free.
std::size_t memory_limit() {
  const char* text = std::getenv("ARTEMIS_GPU_MEMORY");
  if (text == nullptr) return std::numeric_limits<std::size_t>::max();
  char* end = nullptr;
  const double gib = std::strtod(text, &end);
  require(end != text && *end == 0 && gib > 0 && gib < 1e6, "ARTEMIS_GPU_MEMORY",
          "'{}' is no size in GiB, expected a positive number", text);
  return static_cast<std::size_t>(gib * (1 << 30));
}

}  // namespace

std::size_t gpu_free_bytes(Device device) {
  gpu::select(device);
  std::size_t available = 0;
  std::size_t total = 0;
  ARTEMIS_CUDA_CHECK(cudaMemGetInfo(&available, &total));
  const std::size_t limit = memory_limit();
  return std::min(available, limit - std::min<std::size_t>(limit, taken_of(device)));
}

void gpu_copy(Device device, const RowCopy& rows) {
  gpu::select(device);
  copy_in_stream(rows, nullptr);
  ARTEMIS_CUDA_CHECK(cudaStreamSynchronize(nullptr));
}

GpuSession::GpuSession(Device device)
    : workspace_(gpu_allocate(device, workspace_bytes)),
      counters_(gpu_allocate(device, counter_count * sizeof(unsigned))) {
  gpu_zero(device, counters_.get(), counter_count * sizeof(unsigned));
  ARTEMIS_CUDA_CHECK(cudaStreamCreate(&stream_));
  ARTEMIS_CUDA_CHECK(cublasLtCreate(&products_));
  set_host_pinning(pinning);
}

GpuSession::~GpuSession() {
  static_cast<void>(cudaStreamSynchronize(stream_));
  static_cast<void>(cublasLtDestroy(products_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

std::span<std::byte> GpuSession::workspace() const {
  return {static_cast<std::byte*>(workspace_.get()), workspace_bytes};
}

std::span<unsigned> GpuSession::counters() const {
  return {static_cast<unsigned*>(counters_.get()), counter_count};
}

void GpuSession::copy(const RowCopy& rows) const {
  copy_in_stream(rows, stream_);
  // From or to other host memory the call ends when that is done.
  if (pinned(rows.from) || pinned(rows.to)) synchronize();
}

GpuGraph::GpuGraph(const GpuSession& session, const std::function<void()>& work) {
  ARTEMIS_CUDA_CHECK(cudaStreamBeginCapture(session.stream(), cudaStreamCaptureModeThreadLocal));
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    static_cast<void>(cudaStreamEndCapture(session.stream(), &graph));
    if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
    throw;
  }
  ARTEMIS_CUDA_CHECK(cudaStreamEndCapture(session.stream(), &graph));
  const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
  static_cast<void>(cudaGraphDestroy(graph));
  check(status, "cudaGraphInstantiate");
}

GpuGraph::~GpuGraph() { static_cast<void>(cudaGraphExecDestroy(executable_)); }

void GpuGraph::launch(const GpuSession& session) const {
  ARTEMIS_CUDA_CHECK(cudaGraphLaunch(executable_, session.stream()));
}

void GpuSession::synchronize() const { ARTEMIS_CUDA_CHECK(cudaStreamSynchronize(stream_)); }

}  // namespace artemis

// The CUDA back end of core/gpu_uploader.h.
#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/core/gpu.h"
#include "artemis/core/gpu/check.h"
#include "artemis/core/gpu_uploader.h"
#include "artemis/core/host_memory.h"

namespace artemis {
namespace {

// Small enough that the buffers of all threads stay in the last cache, from which the device then reads;
// large enough that starting a copy costs nothing beside it.
constexpr std::size_t buffer_bytes = std::size_t{4} << 20;
constexpr std::size_t buffers_each = 2;
constexpr int most_threads = 16;

// A pinned buffer, and whether the device has read it.
struct Buffer {
  std::byte* memory = nullptr;
  cudaEvent_t read = nullptr;
};

// What one thread copies with. The stream is done before anything is given back.
class Lane {
 public:
  explicit Lane(std::byte* pinned) {
    ARTEMIS_RUNTIME_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    for (std::size_t i = 0; i < buffers_each; ++i) {
      Buffer& buffer = buffers_[i];
      buffer.memory = pinned + i * buffer_bytes;
      ARTEMIS_RUNTIME_CHECK(cudaEventCreateWithFlags(&buffer.read, cudaEventDisableTiming));
    }
  }
  ~Lane() {
    if (stream_ != nullptr) static_cast<void>(cudaStreamSynchronize(stream_));
    for (const Buffer& buffer : buffers_) {
      if (buffer.read != nullptr) static_cast<void>(cudaEventDestroy(buffer.read));
    }
    if (stream_ != nullptr) static_cast<void>(cudaStreamDestroy(stream_));
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // At most buffer_bytes; the host memory may change on return.
  void copy(const Upload& piece) {
    Buffer& buffer = buffers_[next_];
    next_ = (next_ + 1) % buffers_each;
    ARTEMIS_RUNTIME_CHECK(cudaEventSynchronize(buffer.read));
    std::memcpy(buffer.memory, piece.from, piece.bytes);
    ARTEMIS_RUNTIME_CHECK(
        cudaMemcpyAsync(piece.to, buffer.memory, piece.bytes, cudaMemcpyHostToDevice, stream_));
    ARTEMIS_RUNTIME_CHECK(cudaEventRecord(buffer.read, stream_));
  }
  void finish() { ARTEMIS_RUNTIME_CHECK(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
  Buffer buffers_[buffers_each];
  std::size_t next_ = 0;
};

std::vector<Upload> in_buffers(std::span<const Upload> pieces) {
  std::vector<Upload> cut;
  for (const Upload& piece : pieces) {
    for (std::size_t at = 0; at < piece.bytes; at += buffer_bytes) {
      cut.push_back({static_cast<std::byte*>(piece.to) + at, static_cast<const std::byte*>(piece.from) + at,
                     std::min(buffer_bytes, piece.bytes - at)});
    }
  }
  return cut;
}

}  // namespace

struct GpuUploader::State {
  Device device;
  ThreadPool& pool;
  std::shared_ptr<void> pinned;
  std::vector<std::unique_ptr<Lane>> lanes;
};

GpuUploader::GpuUploader(Device device, ThreadPool& pool)
    : state_(std::make_unique<State>(State{device, pool, nullptr, {}})) {
  const auto lanes = static_cast<std::size_t>(std::min(pool.threads(), most_threads));
  state_->pinned = gpu_allocate_pinned(device, lanes * buffers_each * buffer_bytes);
  auto* memory = static_cast<std::byte*>(state_->pinned.get());
  for (std::size_t i = 0; i < lanes; ++i)
    state_->lanes.push_back(std::make_unique<Lane>(memory + i * buffers_each * buffer_bytes));
}

GpuUploader::~GpuUploader() { state_->lanes.clear(); }

void GpuUploader::upload(std::span<const Upload> pieces) {
  const std::vector<Upload> cut = in_buffers(pieces);
  std::atomic<std::size_t> next{0};
  state_->pool.run(static_cast<std::int64_t>(state_->lanes.size()), [&](std::int64_t tile) {
    gpu::select(state_->device);
    Lane& lane = *state_->lanes[static_cast<std::size_t>(tile)];
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < cut.size();) {
      touch_pages(cut[i].from, cut[i].bytes);
      lane.copy(cut[i]);
    }
    lane.finish();
  });
}

std::shared_ptr<void> gpu_allocate_pinned(Device device, std::size_t bytes) {
  gpu::select(device);
  void* memory = nullptr;
  ARTEMIS_RUNTIME_CHECK(cudaHostAlloc(&memory, std::max<std::size_t>(bytes, 1), cudaHostAllocDefault));
  return {memory, [](void* taken) { static_cast<void>(cudaFreeHost(taken)); }};
}

}  // namespace artemis

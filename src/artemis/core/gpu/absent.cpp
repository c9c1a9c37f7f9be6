// A build without a GPU back end.
#include "artemis/core/error.h"
#include "artemis/core/gpu.h"
#include "artemis/core/gpu_uploader.h"

namespace artemis {
namespace {

[[noreturn]] void refuse(Device device) {
  fail("device", "{} is not available: this build has no CUDA back end", device_name(device));
}

}  // namespace

std::shared_ptr<void> gpu_allocate(Device device, std::size_t) { refuse(device); }
void gpu_zero(Device device, void*, std::size_t) { refuse(device); }
std::string gpu_name(Device device) { refuse(device); }
std::size_t gpu_free_bytes(Device device) { refuse(device); }
void gpu_copy(Device device, const RowCopy&) { refuse(device); }

GpuSession::GpuSession(Device device) { refuse(device); }
GpuSession::~GpuSession() = default;
std::span<std::byte> GpuSession::workspace() const { return {}; }
std::span<unsigned> GpuSession::counters() const { return {}; }
void GpuSession::copy(const RowCopy&) const {}
void GpuSession::synchronize() const {}

// No session can be made, so that none of these runs.
GpuGraph::GpuGraph(const GpuSession&, const std::function<void()>&) { ARTEMIS_ASSERT(false); }
GpuGraph::~GpuGraph() = default;
void GpuGraph::launch(const GpuSession&) const {}

struct GpuUploader::State {};
GpuUploader::GpuUploader(Device device, ThreadPool&) { refuse(device); }
GpuUploader::~GpuUploader() = default;
void GpuUploader::upload(std::span<const Upload>) {}

std::shared_ptr<void> gpu_allocate_pinned(Device device, std::size_t) { refuse(device); }

}  // namespace artemis

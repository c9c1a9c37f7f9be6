#include "artemis/core/context.h"

#include "artemis/core/gpu.h"

namespace artemis {

Context::Context(Device device, int threads)
    : device_(device),
      pool_(threads),
      gpu_(device.kind == DeviceKind::cuda ? std::make_unique<GpuSession>(device) : nullptr),
      arena_(0, device) {}

Context::~Context() = default;

Tensor Context::upload(DType dtype, const Shape& shape, const void* values) {
  const Tensor tensor = allocate(dtype, shape);
  copy(tensor, Tensor::wrap(const_cast<void*>(values), dtype, shape, Device{}, nullptr, true));
  return tensor;
}

Tensor Context::on_device(const Tensor& tensor) {
  if (tensor.device() == device_) return tensor;
  const Tensor here = allocate(tensor.dtype(), tensor.shape());
  copy(here, tensor);
  return here;
}

void Context::copy(const Tensor& to, const Tensor& from) {
  if (gpu_ == nullptr) {
    artemis::copy(to, from);
  } else if (to.count() > 0) {
    gpu_->copy(row_copy(to, from));
  }
}

void Context::synchronize() {
  if (gpu_ != nullptr) gpu_->synchronize();
}

}  // namespace artemis

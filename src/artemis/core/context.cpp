#include "artemis/core/context.h"

#include "artemis/core/error.h"

namespace artemis {

Context::Context(Device device, int threads) : device_(device), pool_(threads) {
  require(device.kind == DeviceKind::cpu, "device", "{} is not available: this build has no CUDA back end",
          device_name(device));
}

}  // namespace artemis

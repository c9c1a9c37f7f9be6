#include "artemis/kernels/table.h"

namespace artemis {

const KernelTable& kernel_table(Device device) {
  static const KernelTable cpu_table = {
#define ARTEMIS_KERNEL_CPU(name) .name = cpu::name,
      ARTEMIS_KERNELS(ARTEMIS_KERNEL_CPU)
#undef ARTEMIS_KERNEL_CPU
  };
  require(device.kind == DeviceKind::cpu, "kernels", "{} is not available: this build has no CUDA back end",
          device_name(device));
  return cpu_table;
}

}  // namespace artemis

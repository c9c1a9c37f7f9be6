#include "artemis/kernels/table.h"

namespace artemis {

const KernelTable& kernel_table(Device device) {
#define ARTEMIS_KERNEL_CPU(name) .name = cpu::name,
  static const KernelTable cpu_table = {ARTEMIS_KERNELS(ARTEMIS_KERNEL_CPU)};
#undef ARTEMIS_KERNEL_CPU
  if (device.kind == DeviceKind::cpu) return cpu_table;
#ifdef ARTEMIS_WITH_CUDA
#define ARTEMIS_KERNEL_CUDA(name) .name = cuda::name,
  static const KernelTable cuda_table = {ARTEMIS_KERNELS(ARTEMIS_KERNEL_CUDA)};
#undef ARTEMIS_KERNEL_CUDA
  return cuda_table;
#else
  fail("kernels", "{} is not available: this build has no CUDA back end", device_name(device));
#endif
}

}  // namespace artemis

#include "artemis/kernels/table.h"

namespace artemis {
namespace {

// A kernel of the device without memory.
template <typename Function>
struct Nothing;
template <typename Result, typename... Arguments>
struct Nothing<Result(Arguments...)> {
  static Result call(Arguments...) { return Result(); }
};

}  // namespace

const KernelTable& kernel_table(Device device) {
#define ARTEMIS_KERNEL_CPU(name) .name = cpu::name,
  static const KernelTable cpu_table = {ARTEMIS_KERNELS(ARTEMIS_KERNEL_CPU)};
#undef ARTEMIS_KERNEL_CPU
  if (device.kind == DeviceKind::cpu) return cpu_table;
#define ARTEMIS_KERNEL_META(name) .name = Nothing<decltype(artemis::name)>::call,
  static const KernelTable meta_table = {ARTEMIS_KERNELS(ARTEMIS_KERNEL_META)};
#undef ARTEMIS_KERNEL_META
  if (device.kind == DeviceKind::meta) return meta_table;
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

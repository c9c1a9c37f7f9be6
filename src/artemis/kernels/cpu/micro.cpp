#include "artemis/kernels/cpu/micro.h"

#include <dnnl.hpp>

namespace artemis::cpu {
namespace {

// oneDNN's values of this enumeration are sets of bits.
bool has_isa([[maybe_unused]] dnnl::cpu_isa isa) {
#if defined(__x86_64__)
  const auto effective = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wanted = static_cast<unsigned>(isa);
  return (effective & wanted) == wanted;
#else
  return false;
#endif
}

const MicroKernels& choose() {
#if defined(__x86_64__)
  if (has_isa(dnnl::cpu_isa::avx512_core)) return micro_kernels_avx512;
  if (has_isa(dnnl::cpu_isa::avx2)) return micro_kernels_avx2;
#endif
  return micro_kernels_generic;
}

}  // namespace

const MicroKernels& micro_kernels() {
  static const MicroKernels& chosen = choose();
  return chosen;
}

bool has_bf16_products() {
  static const bool has = has_isa(dnnl::cpu_isa::avx512_core_bf16);
  return has;
}

}  // namespace artemis::cpu

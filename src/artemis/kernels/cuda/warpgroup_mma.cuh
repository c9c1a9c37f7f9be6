// Products of a warpgroup, four warps one after the other, on Hopper's tensor cores (wgmma; PTX ISA,
// "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions"). They run behind the program:
// between the first of them and wait_for_products() nobody may touch their registers or change their shared
// memory.
//
// Sums are those of 64 rows, 16 of each warp; a lane's registers are laid out as for multiply_add().
#pragma once

#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
constexpr bool has_warpgroup_mma = true;
#else
constexpr bool has_warpgroup_mma = false;
#endif

// Makes what this thread wrote or copied into shared memory visible to the tensor cores of all that it meets
// at the next barrier.
__device__ inline void show_to_tensor_cores() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Keeps uses of registers on their side of this line.
__device__ inline void pin(float& value) { asm volatile("" : "+f"(value)::"memory"); }
__device__ inline void pin(unsigned& value) { asm volatile("" : "+r"(value)::"memory"); }
template <typename T, int count>
__device__ void pin(T (&values)[count]) {
#pragma unroll
  for (auto& value : values) pin(value);
}

// Comes before the first product that uses registers which the program has written: these.
template <typename... Registers>
__device__ void begin_products(Registers&... registers) {
  (pin(registers), ...);
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

// Waits for all products so far, which use these registers.
template <typename... Registers>
__device__ void wait_for_products(Registers&... registers) {
  asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
  (pin(registers), ...);
}

// How the tensor cores find rows of 64 elements, 128 bytes, in groups of eight, whose vectors have changed
// places as in a FlashTile. `rows` begins a group, or lies a multiple of 32 bytes behind that.
__device__ inline std::uint64_t matrix_descriptor(const bfloat16* rows) {
  constexpr std::uint64_t swizzle_of_128_bytes = std::uint64_t{1} << 62;
  constexpr std::uint64_t bytes_of_a_group = std::uint64_t{1024 / 16} << 32;
  return swizzle_of_128_bytes | bytes_of_a_group | (shared_address(rows) & 0x3ffff) / 16;
}

// Eight registers as operands of the instructions below.
#define ARTEMIS_SUMS(sums, i)                                                                   \
  "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3]), "+f"(sums[i + 1][0]), \
      "+f"(sums[i + 1][1]), "+f"(sums[i + 1][2]), "+f"(sums[i + 1][3])
// Their names, 32 of them.
#define ARTEMIS_32_SUMS                                                     \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "

// sums (64, 8 groups) += a b with 16 elements along the sum: a is the lane's part of the left factor, as for
// multiply_add(); b's rows lie one after the other.
template <int groups>
__device__ void multiply_add_async(float (&sums)[groups][4], const unsigned (&a)[4], std::uint64_t b) {
  static_assert(groups == 2 || groups == 8);
  if constexpr (groups == 2) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.eq.b32 add, 0, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, "
        "{%8, %9, %10, %11}, %12, add, 1, 1, 1;\n}"
        : ARTEMIS_SUMS(sums, 0)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
        : "memory");
  } else {
    asm volatile(
        "{\n.reg .pred add;\nsetp.eq.b32 add, 0, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ARTEMIS_32_SUMS
        "{%32, %33, %34, %35}, %36, add, 1, 1, 1;\n}"
        : ARTEMIS_SUMS(sums, 0), ARTEMIS_SUMS(sums, 2), ARTEMIS_SUMS(sums, 4), ARTEMIS_SUMS(sums, 6)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
        : "memory");
  }
}

// sums (64, 64) += a b, or = a b, likewise: a's rows and b's columns lie one after the other.
__device__ inline void multiply_add_async(float (&sums)[8][4], std::uint64_t a, std::uint64_t b, bool add) {
  asm volatile(
      "{\n.reg .pred add;\nsetp.ne.b32 add, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ARTEMIS_32_SUMS "%32, %33, add, 1, 1, 0, 0;\n}"
      : ARTEMIS_SUMS(sums, 0), ARTEMIS_SUMS(sums, 2), ARTEMIS_SUMS(sums, 4), ARTEMIS_SUMS(sums, 6)
      : "l"(a), "l"(b), "r"(add ? 1 : 0)
      : "memory");
}

#undef ARTEMIS_SUMS
#undef ARTEMIS_32_SUMS

}  // namespace artemis::cuda

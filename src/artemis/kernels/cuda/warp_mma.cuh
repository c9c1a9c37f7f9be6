// Copies into shared memory that run behind the program, and the matrix product of a warp (from sm_80 on).
#pragma once

#include "artemis/kernels/cuda/device.cuh"

namespace artemis::cuda {

__device__ inline unsigned shared_address(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

// Copies 16 bytes from global memory past the first cache; writes zeros, and reads nothing, where `inside` is
// false. Both addresses are multiples of 16.
__device__ inline void copy_async(void* shared, const void* global, bool inside) {
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
}

// Copies 8 bytes. Both addresses are multiples of 8.
__device__ inline void copy_async_pair(void* shared, const void* global) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global))
               : "memory");
}

// Ends a group of this thread's copies.
__device__ inline void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the last `pending` groups of this thread still run; its own copies can be read then.
template <int pending>
__device__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Two values as neighbours in a register, the first in its lower half.
__device__ inline unsigned pack_pair(float first, float second) {
  unsigned packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
  return packed;
}

// Four 8 x 8 matrices whose rows begin at the addresses of lanes 0 to 7, 8 to 15, ...: lane 4 g + t gets
// elements 2 t and 2 t + 1 of row g of each.
__device__ inline void load_matrices(unsigned (&to)[4], const bfloat16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

// The same, transposed: lane 4 g + t gets rows 2 t and 2 t + 1 of column g.
__device__ inline void load_transposed(unsigned (&to)[4], const bfloat16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

// sums += a b with a (16, 16), b (16, 8) in bf16, each register two neighbours along the sum. Lane 4 g + t
// holds of a: rows g and g + 8 at 2 t, then both at 2 t + 8; of b: column g at 2 t and 2 t + 8; of sums: row
// g at columns 2 t and 2 t + 1, then row g + 8.
__device__ inline void multiply_add(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace artemis::cuda

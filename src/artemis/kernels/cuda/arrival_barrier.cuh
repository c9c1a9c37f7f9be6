// A barrier in shared memory at which some threads arrive and others wait, so that those who arrive go on.
#pragma once

#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {

// Opens each time as many have arrived as it was made for.
class ArrivalBarrier {
 public:
  // By one thread, before a __syncthreads().
  __device__ void init(int count) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(&state_)), "r"(count) : "memory");
  }

  // What this thread read and wrote before comes before what those do who waited.
  __device__ void arrive() {
    asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(shared_address(&state_))
                 : "memory");
  }

  // Until it has opened for the `turn`th time, counted from 0; at once for a negative turn. Nobody may be
  // more than one turn ahead.
  __device__ void wait(int turn) const {
    if (turn < 0) return;
    const unsigned address = shared_address(&state_);
    unsigned open = 0;
    while (open == 0) {
#if __CUDA_ARCH__ >= 900
      asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
#else
      asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
#endif
                   : "=r"(open)
                   : "r"(address), "r"(turn % 2)
                   : "memory");
    }
  }

 private:
  unsigned long long state_;
};

}  // namespace artemis::cuda

// What the CUDA kernels share: elements as f32, rows of tensors, sums over a warp and a block, checked
// launches.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <utility>

#include "artemis/core/cuda.h"
#include "artemis/core/tensor.h"

// Runs a CUDA call and throws Error quoting it when it fails.
#define ARTEMIS_CUDA(...) ::artemis::cuda::check_call((__VA_ARGS__), #__VA_ARGS__)

// Launches a kernel and throws Error quoting the launch when it is refused. A fault within the kernel shows
// at a later call.
#define ARTEMIS_LAUNCH(...)                                        \
  do {                                                             \
    __VA_ARGS__;                                                   \
    ::artemis::cuda::check_call(cudaGetLastError(), #__VA_ARGS__); \
  } while (false)

namespace artemis::cuda {

inline void check_call(cudaError_t status, const char* call) {
  if (status != cudaSuccess) fail("cuda", "{}: {}", call, cudaGetErrorString(status));
}

constexpr int warp_size = 32;
constexpr int max_warps = 32;  // of a block
constexpr unsigned all_lanes = 0xffffffffu;

__device__ inline float load(float value) { return value; }
__device__ inline float load(bfloat16 value) {
  return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}
__device__ inline void store(float& target, float value) { target = value; }
__device__ inline void store(bfloat16& target, float value) {
  target.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

// The value as it would come back from memory of this element type.
template <typename T>
__device__ float rounded(float value) {
  T stored;
  store(stored, value);
  return load(stored);
}

// The sum over the lanes of a warp, the same in each, in an order that is always the same.
__device__ inline float warp_sum(float value) {
  for (int step = warp_size / 2; step > 0; step /= 2) value += __shfl_xor_sync(all_lanes, value, step);
  return value;
}

__device__ inline float warp_max(float value) {
  for (int step = warp_size / 2; step > 0; step /= 2) {
    value = fmaxf(value, __shfl_xor_sync(all_lanes, value, step));
  }
  return value;
}

// What `reduce` makes of a warp, over a one-dimensional block of whole warps, the same in each thread.
// `neutral` changes no result. All threads of the block must call it.
template <typename Reduce>
__device__ float block_reduce(float value, float neutral, Reduce reduce) {
  __shared__ float partial[max_warps];
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  value = reduce(value);
  __syncthreads();  // the partial values of a call before this one have been read
  if (lane == 0) partial[threadIdx.x / warp_size] = value;
  __syncthreads();
  return reduce(lane < static_cast<int>(blockDim.x) / warp_size ? partial[lane] : neutral);
}

__device__ inline float block_sum(float value) {
  return block_reduce(value, 0.0f, [](float x) { return warp_sum(x); });
}

__device__ inline float block_max(float value) {
  return block_reduce(value, -INFINITY, [](float x) { return warp_max(x); });
}

inline int device_attribute(Context& ctx, cudaDeviceAttr which) {
  int value = 0;
  ARTEMIS_CUDA(cudaDeviceGetAttribute(&value, which, ctx.device().index));
  return value;
}

// Whether this build's kernels know to wait for the one before them: those for sm_90 and later do. All are
// compiled alike, so one says it for all; on a later GPU the driver may have made them from an older form.
inline bool waits_for_previous(Context& ctx, const void* kernel) {
  constexpr int first = 90;
  static const int version = [kernel] {
    cudaFuncAttributes attributes{};
    check_call(cudaFuncGetAttributes(&attributes, kernel), "cudaFuncGetAttributes");
    return std::min(attributes.ptxVersion, attributes.binaryVersion);
  }();
  return version >= first && 10 * device_attribute(ctx, cudaDevAttrComputeCapabilityMajor) >= first;
}

// A launch that may begin while the kernel before it in the stream still runs (programmatic dependent launch,
// built for sm_90 and later; else an ordinary launch). The kernel must call wait_for_previous() before it
// touches what an earlier kernel writes or reads, in every thread; weights alone it may read before. It
// should call let_next_start(), before it waits itself if its blocks are small, unless it may write weights.
template <typename... Parameters, typename... Arguments>
void launch_chained(Context& ctx, void (*kernel)(Parameters...), dim3 grid, dim3 block,
                    std::size_t shared_bytes, Arguments&&... arguments) {
  // Kernels share a multiprocessor only where all divide its memory alike.
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributePreferredSharedMemoryCarveout;
  attributes[0].val.sharedMemCarveout = cudaSharedmemCarveoutMaxShared;
  attributes[1].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[1].val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream(ctx);
  config.attrs = attributes;
  config.numAttrs = waits_for_previous(ctx, reinterpret_cast<const void*>(kernel)) ? 2 : 1;
  check_call(cudaLaunchKernelEx(&config, kernel, Parameters(std::forward<Arguments>(arguments))...),
             "cudaLaunchKernelEx");
}

__device__ inline void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

__device__ inline void let_next_start() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

// The rows of a matrix, as a kernel takes them.
template <typename T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  __device__ T* operator[](std::int64_t row) const { return data + row * stride; }
};

template <typename T>
Rows<const T> rows_of(const Tensor& tensor) {
  return {tensor.data<T>(), tensor.row_stride()};
}
template <typename T>
Rows<T> mutable_rows_of(const Tensor& tensor) {
  return {tensor.mutable_data<T>(), tensor.row_stride()};
}

// The data of a tensor that may be undefined: null then.
template <typename T>
const T* data_or_null(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}
template <typename T>
T* mutable_data_or_null(const Tensor& tensor) {
  return tensor ? tensor.mutable_data<T>() : nullptr;
}

// Calls body with a value of the element type, f32 or bf16: body(auto element) -> decltype(element) names the
// type.
template <typename Body>
void dispatch_real(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body(float{});
    case DType::bf16:
      return body(bfloat16{});
    default:
      ARTEMIS_ASSERT(false);
  }
}

// Blocks that cover `count` with `size` each.
inline unsigned blocks_for(std::int64_t count, std::int64_t size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

}  // namespace artemis::cuda

#include <cublas_v2.h>

#include <limits>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/cuda/few_rows.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

int as_int(std::int64_t value) {
  ARTEMIS_ASSERT(value <= std::numeric_limits<int>::max());
  return static_cast<int>(value);
}

cudaDataType data_type(DType dtype) { return dtype == DType::f32 ? CUDA_R_32F : CUDA_R_16BF; }

// out = a b, or out + a b, rounded once from f32, where a and b may stand transposed. cuBLAS reads a
// row-major matrix as its transpose, so that it is asked for out^T = b^T a^T.
void matmul(Context& ctx, const Tensor& out, const Tensor& a, bool a_transposed, const Tensor& b,
            bool b_transposed, bool accumulate) {
  const float one = 1.0f;
  const float beta = accumulate ? 1.0f : 0.0f;
  const std::int64_t depth = a_transposed ? a.dim(0) : a.dim(1);
  const cublasStatus_t status = cublasGemmEx(
      blas(ctx), b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
      as_int(out.dim(1)), as_int(out.dim(0)), as_int(depth), &one, b.raw(), data_type(b.dtype()),
      as_int(b.row_stride()), a.raw(), data_type(a.dtype()), as_int(a.row_stride()), &beta, out.mutable_raw(),
      data_type(out.dtype()), as_int(out.row_stride()), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  require(status == CUBLAS_STATUS_SUCCESS, "cublas", "the product {} x {} x {} failed: {}", out.dim(0), depth,
          out.dim(1), cublasGetStatusString(status));
}

constexpr int threads = 256;

// Every row of out becomes bias.
template <typename Out, typename In>
__global__ void broadcast(Rows<Out> out, const In* bias, std::int64_t rows, std::int64_t cols) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (index >= rows * cols) return;
  store(out[index / cols][index % cols], load(bias[index % cols]));
}

void start_from_bias(Context& ctx, const Tensor& out, const Tensor& bias) {
  dispatch_real(out.dtype(), [&](auto out_element) {
    dispatch_real(bias.dtype(), [&](auto element) {
      using Out = decltype(out_element);
      using In = decltype(element);
      ARTEMIS_LAUNCH(broadcast<Out, In><<<blocks_for(out.count(), threads), threads, 0, stream(ctx)>>>(
          mutable_rows_of<Out>(out), bias.data<In>(), out.dim(0), out.dim(1)));
    });
  });
}

// A block sums `lanes` columns; its rows of threads take every `depth`-th row of the matrix.
constexpr int lanes = 32;
constexpr int depth = 16;

template <typename T>
__global__ void column_sums(float* sums, Rows<const T> matrix, std::int64_t rows, std::int64_t cols) {
  __shared__ float partial[depth][lanes];
  const std::int64_t col = static_cast<std::int64_t>(blockIdx.x) * lanes + threadIdx.x;
  float sum = 0;
  if (col < cols) {
    for (std::int64_t row = threadIdx.y; row < rows; row += depth) sum += load(matrix[row][col]);
  }
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || col >= cols) return;
  float total = 0;
  for (int i = 0; i < depth; ++i) total += partial[i][threadIdx.x];
  sums[col] += total;
}

}  // namespace

void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const LinearEpilogue& epilogue) {
  if (out.count() == 0) return;
  if (few_rows_linear(ctx, out, x, weight, bias, epilogue)) return;
  // A bias in place before the product is added in f32, before the one rounding.
  if (bias) start_from_bias(ctx, out, bias);
  matmul(ctx, out, x, false, weight, true, bias.defined());
  if (epilogue.activation) cuda::activation_forward(ctx, out, out, *epilogue.activation);
  if (epilogue.residual) cuda::add(ctx, out, out, epilogue.residual);
}

void gated_linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                          const Tensor& up_weight, Activation activation) {
  if (out.count() == 0) return;
  if (few_rows_gated_linear(ctx, out, x, gate_weight, up_weight, activation)) return;
  const Arena::Scope scope(ctx.arena());
  if (const Tensor both = Tensor::joined_rows(gate_weight, up_weight)) {
    const Tensor product = ctx.allocate(out.dtype(), {out.dim(0), both.dim(0)});
    matmul(ctx, product, x, false, both, true, false);
    cuda::gated_forward(ctx, out, product.columns(0, out.dim(1)), product.columns(out.dim(1), both.dim(0)),
                        activation);
    return;
  }
  const Tensor up = ctx.allocate(out.dtype(), out.shape());
  matmul(ctx, out, x, false, gate_weight, true, false);
  matmul(ctx, up, x, false, up_weight, true, false);
  cuda::gated_forward(ctx, out, out, up, activation);
}

void linear_backward_input(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& weight,
                           bool accumulate) {
  if (d_x.count() == 0) return;
  matmul(ctx, d_x, d_out, false, weight, false, accumulate);
}

void linear_backward_weight(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                            const Tensor& x) {
  if (d_out.count() == 0) return;
  if (d_weight && x.dim(1) > 0) matmul(ctx, d_weight, d_out, true, x, false, true);
  if (!d_bias) return;
  dispatch_real(d_out.dtype(), [&](auto element) {
    using T = decltype(element);
    const dim3 block(lanes, depth);
    ARTEMIS_LAUNCH(column_sums<T><<<blocks_for(d_out.dim(1), lanes), block, 0, stream(ctx)>>>(
        d_bias.mutable_data<float>(), rows_of<T>(d_out), d_out.dim(0), d_out.dim(1)));
  });
}

}  // namespace artemis::cuda

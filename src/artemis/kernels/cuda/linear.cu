#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/cuda/few_rows.cuh"
#include "artemis/kernels/cuda/product.h"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

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

// What cuBLASLt does of a map in one pass. It adds a residual before the activation, so that it cannot do
// both; and it does not say how exact its GELU is, so that in f32 the activation is ours.
Product fused(const Product& map, const LinearEpilogue& epilogue) {
  Product product = map;
  if (!epilogue.activation) {
    product.addend = epilogue.residual;
  } else if (map.out.dtype() == DType::bf16 && !epilogue.residual && has_epilogue(*epilogue.activation)) {
    product.activation = epilogue.activation;
  }
  return product;
}

// out = x weight^T + bias by a bias that is there before the product, in f32 before the one rounding where
// out is f32.
void product_over_bias(Context& ctx, Product map) {
  if (map.bias) {
    start_from_bias(ctx, map.out, map.bias);
    map.addend = map.out;
    map.bias = {};
  }
  multiply(ctx, map);
}

}  // namespace

void linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const LinearEpilogue& epilogue) {
  if (out.count() == 0) return;
  const bool invariant = ctx.batch_invariant();
  if (!invariant && few_rows_linear(ctx, out, x, weight, bias, epilogue)) return;
  const Product map{
      .out = out, .a = x, .b = weight, .b_transposed = true, .bias = bias, .invariant = invariant};
  Product product = fused(map, epilogue);
  const bool one_dtype = !bias || bias.dtype() == out.dtype();
  if (!one_dtype || !try_multiply(ctx, product)) {
    product = map;
    product_over_bias(ctx, map);
  }
  if (epilogue.activation && !product.activation) {
    cuda::activation_forward(ctx, out, out, *epilogue.activation);
  }
  if (epilogue.residual && !product.addend) cuda::add(ctx, out, out, epilogue.residual);
}

void gated_linear_forward(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                          const Tensor& up_weight, Activation activation) {
  if (out.count() == 0) return;
  const bool invariant = ctx.batch_invariant();
  if (!invariant && few_rows_gated_linear(ctx, out, x, gate_weight, up_weight, activation)) return;
  const Arena::Scope scope(ctx.arena());
  if (const Tensor both = Tensor::joined_rows(gate_weight, up_weight)) {
    const Tensor product = ctx.allocate(out.dtype(), {out.dim(0), both.dim(0)});
    multiply(ctx, {.out = product, .a = x, .b = both, .b_transposed = true, .invariant = invariant});
    cuda::gated_forward(ctx, out, product.columns(0, out.dim(1)), product.columns(out.dim(1), both.dim(0)),
                        activation);
    return;
  }
  const Tensor up = ctx.allocate(out.dtype(), out.shape());
  multiply(ctx, {.out = out, .a = x, .b = gate_weight, .b_transposed = true, .invariant = invariant});
  multiply(ctx, {.out = up, .a = x, .b = up_weight, .b_transposed = true, .invariant = invariant});
  cuda::gated_forward(ctx, out, out, up, activation);
}

void linear_backward_input(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& weight,
                           bool accumulate) {
  if (d_x.count() == 0) return;
  multiply(ctx, {.out = d_x, .a = d_out, .b = weight, .addend = accumulate ? d_x : Tensor()});
}

void linear_backward_weight(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                            const Tensor& x) {
  if (d_out.count() == 0) return;
  if (d_weight && x.dim(1) > 0) {
    multiply(ctx, {.out = d_weight, .a = d_out, .a_transposed = true, .b = x, .addend = d_weight});
  }
  if (!d_bias) return;
  dispatch_real(d_out.dtype(), [&](auto element) {
    using T = decltype(element);
    const dim3 block(lanes, depth);
    ARTEMIS_LAUNCH(column_sums<T><<<blocks_for(d_out.dim(1), lanes), block, 0, stream(ctx)>>>(
        d_bias.mutable_data<float>(), rows_of<T>(d_out), d_out.dim(0), d_out.dim(1)));
  });
}

}  // namespace artemis::cuda

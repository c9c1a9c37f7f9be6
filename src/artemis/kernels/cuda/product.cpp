#include "artemis/kernels/cuda/product.h"

#include <algorithm>

#include "artemis/kernels/cuda/product_plans.h"

namespace artemis::cuda {
namespace {

void check(cublasStatus_t status, const char* call) {
  require(status == CUBLAS_STATUS_SUCCESS, "cublas", "{} failed: {}", call, cublasLtGetStatusString(status));
}

cudaDataType data_type(DType dtype) { return dtype == DType::f32 ? CUDA_R_32F : CUDA_R_16BF; }

// No algorithm asks for more than 16 bytes.
std::int64_t alignment(std::uintptr_t address) {
  address |= 16;
  return static_cast<std::int64_t>(address & (~address + 1));
}
std::int64_t alignment(const Tensor& tensor) {
  return alignment(reinterpret_cast<std::uintptr_t>(tensor.raw()));
}

// A single row may have any stride.
std::int64_t stride(const Tensor& matrix) { return std::max(matrix.row_stride(), matrix.dim(1)); }

// The alignment of all rows, which is that of any of them as the first.
std::int64_t row_alignment(const Tensor& matrix) {
  const auto bytes = static_cast<std::uintptr_t>(stride(matrix)) * dtype_size(matrix.dtype());
  return std::min(alignment(matrix), alignment(bytes));
}

cublasLtEpilogue_t epilogue_of(const Product& p) {
  if (!p.activation) return p.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
  if (*p.activation == Activation::relu) return p.bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
  return p.bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
}

ProductKey key_of(const Product& p) {
  const Tensor& addend = p.addend ? p.addend : p.out;
  const auto varying = [&](const Tensor& matrix) {
    return p.invariant ? row_alignment(matrix) : alignment(matrix);
  };
  const std::int64_t out_alignment = p.bias ? std::min(varying(p.out), alignment(p.bias)) : varying(p.out);
  return {.m = p.invariant ? invariant_rows : p.out.dim(0),
          .n = p.out.dim(1),
          .k = p.a.dim(p.a_transposed ? 0 : 1),
          .a_stride = stride(p.a),
          .b_stride = stride(p.b),
          .addend_stride = stride(addend),
          .out_stride = stride(p.out),
          .a_transposed = p.a_transposed,
          .b_transposed = p.b_transposed,
          .dtype = data_type(p.a.dtype()),
          .out_dtype = data_type(p.out.dtype()),
          .a_alignment = varying(p.a),
          .b_alignment = alignment(p.b),
          .addend_alignment = varying(addend),
          .out_alignment = out_alignment,
          .epilogue = epilogue_of(p),
          .addend = !p.addend                       ? 0
                    : p.addend.raw() == p.out.raw() ? 1
                                                    : 2,
          .invariant = p.invariant ? 1 : 0};
}

// Rows of a row-major matrix are columns here.
cublasLtMatrixLayoutOpaque_t layout(const Tensor& matrix) {
  cublasLtMatrixLayoutOpaque_t opaque;
  check(
      cublasLtMatrixLayoutInit(&opaque, data_type(matrix.dtype()), static_cast<std::uint64_t>(matrix.dim(1)),
                               static_cast<std::uint64_t>(matrix.dim(0)), stride(matrix)),
      "cublasLtMatrixLayoutInit");
  return opaque;
}

cublasLtMatmulDescOpaque_t operation(const Product& p) {
  cublasLtMatmulDescOpaque_t opaque;
  check(cublasLtMatmulDescInit(&opaque, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescInit");
  const auto set = [&opaque](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    check(cublasLtMatmulDescSetAttribute(&opaque, attribute, &value, sizeof(value)),
          "cublasLtMatmulDescSetAttribute");
  };
  const auto transposition = [](bool transposed) {
    return static_cast<std::int32_t>(transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, transposition(p.b_transposed));
  set(CUBLASLT_MATMUL_DESC_TRANSB, transposition(p.a_transposed));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(epilogue_of(p)));
  if (p.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(p.bias.raw()));
  return opaque;
}

ProductCall call_of(const Product& p) {
  ARTEMIS_ASSERT(!p.activation || (has_epilogue(*p.activation) && !p.addend));
  ARTEMIS_ASSERT(!p.bias || p.bias.dtype() == p.out.dtype());
  ARTEMIS_ASSERT(!p.invariant || !p.a_transposed);
  const Tensor& addend = p.addend ? p.addend : p.out;
  const std::int64_t elements = (p.out.dim(0) - 1) * stride(p.out) + p.out.dim(1);
  return {.key = key_of(p),
          .operation = operation(p),
          .a = layout(p.b),
          .b = layout(p.a),
          .addend = layout(addend),
          .out = layout(p.out),
          .a_data = p.b.raw(),
          .b_data = p.a.raw(),
          .addend_data = addend.raw(),
          .out_data = p.out.mutable_raw(),
          .out_bytes = static_cast<std::size_t>(elements) * dtype_size(p.out.dtype())};
}

void require_success(const ProductCall& call, cublasStatus_t status) {
  require(status == CUBLAS_STATUS_SUCCESS, "cublas", "the product {} x {} x {} failed: {}", call.key.m,
          call.key.k, call.key.n, cublasLtGetStatusString(status));
}

}  // namespace

bool has_epilogue(Activation activation) {
  return activation == Activation::gelu_tanh || activation == Activation::relu;
}

bool try_multiply(Context& ctx, const Product& product) {
  ProductCall call = call_of(product);
  const cublasLtMatmulAlgo_t* plan = plan_of(ctx, call);
  if (plan == nullptr) return false;
  const cublasStatus_t status = run(ctx, call, *plan);
  // Another way for some numbers of rows would give them other bits.
  if (status == CUBLAS_STATUS_NOT_SUPPORTED && !product.invariant) return false;
  require_success(call, status);
  return true;
}

void multiply(Context& ctx, const Product& product) {
  ProductCall call = call_of(product);
  const cublasLtMatmulAlgo_t* plan = plan_of(ctx, call);
  require_success(call, plan == nullptr ? CUBLAS_STATUS_NOT_SUPPORTED : run(ctx, call, *plan));
}

}  // namespace artemis::cuda

#include "artemis/kernels/check.h"

namespace artemis {

void check_shape(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                 std::initializer_list<std::int64_t> shape) {
  require(tensor.defined(), operation, "{} is absent", name);
  require(tensor.device() == ctx.device(), operation, "{} lives on {}, expected {}", name,
          device_name(tensor.device()), device_name(ctx.device()));
  const auto extents = tensor.shape().extents();
  bool equal = extents.size() == shape.size();
  for (std::size_t axis = 0; equal && axis < extents.size(); ++axis) {
    const std::int64_t expected = shape.begin()[axis];
    equal = expected == -1 || expected == extents[axis];
  }
  require(equal, operation, "{} has shape {}, expected {}", name, tensor.shape().to_string(),
          Shape(shape).to_string());
}

void check_dtype(const char* operation, const char* name, const Tensor& tensor, DType dtype) {
  require(tensor.dtype() == dtype, operation, "{} is {}, expected {}", name, dtype_name(tensor.dtype()),
          dtype_name(dtype));
}

void check_real(const char* operation, const char* name, const Tensor& tensor) {
  require(tensor.dtype() == DType::f32 || tensor.dtype() == DType::bf16, operation,
          "{} is {}, expected f32 or bf16", name, dtype_name(tensor.dtype()));
}

}  // namespace artemis

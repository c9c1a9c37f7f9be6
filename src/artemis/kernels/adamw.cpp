#include "artemis/kernels/adamw.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/moment_codes.h"
#include "artemis/kernels/table.h"

namespace artemis {

namespace {

std::int64_t moment_blocks(const Shape& shape) { return (shape.count() + moment_block - 1) / moment_block; }

void check_flat(const Context& ctx, const char* operation, const char* name, const Tensor& tensor) {
  require(tensor.defined(), operation, "{} is absent", name);
  require(tensor.device() == ctx.device() && tensor.contiguous(), operation,
          "{} must be contiguous on the context's device", name);
}

// A contiguous tensor of the dtype and the parameter's shape.
void check_like(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                DType dtype, const Tensor& parameter) {
  check_flat(ctx, operation, name, tensor);
  check_dtype(operation, name, tensor, dtype);
  require(tensor.shape() == parameter.shape(), operation, "{} has shape {}, expected {}", name,
          tensor.shape().to_string(), parameter.shape().to_string());
}

void check_step(const Context& ctx, const char* operation, const Tensor& parameter, const Tensor& master,
                const Tensor& gradient, const AdamWOptions& options) {
  check_flat(ctx, operation, "parameter", parameter);
  check_real(operation, "parameter", parameter);
  if (master) {
    check_like(ctx, operation, "master", master, DType::f32, parameter);
  } else {
    require(parameter.dtype() == DType::bf16, operation, "master is absent and parameter {}, expected bf16",
            dtype_name(parameter.dtype()));
  }
  check_like(ctx, operation, "gradient", gradient, DType::f32, parameter);
  require(options.step >= 1, operation, "step is {}, expected 1 or more", options.step);
}

}  // namespace

Moment8 zero_moment8(const Shape& shape, Device device) {
  return {.codes = Tensor::zeros(DType::u8, shape, device),
          .scales = Tensor::zeros(DType::f32, {moment_blocks(shape)}, device)};
}

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  check_step(ctx, "adamw", parameter, master, gradient, options);
  check_like(ctx, "adamw", "first", first, DType::f32, parameter);
  check_like(ctx, "adamw", "second", second, DType::f32, parameter);
  kernel_table(ctx.device()).adamw_step(ctx, parameter, master, first, second, gradient, options);
}

void adamw8_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Moment8& first,
                 const Moment8& second, const Tensor& gradient, const AdamWOptions& options) {
  check_step(ctx, "adamw8", parameter, master, gradient, options);
  check_like(ctx, "adamw8", "first.codes", first.codes, DType::u8, parameter);
  check_like(ctx, "adamw8", "second.codes", second.codes, DType::u8, parameter);
  for (const auto& [name, scales] :
       {std::pair{"first.scales", &first.scales}, std::pair{"second.scales", &second.scales}}) {
    check_shape(ctx, "adamw8", name, *scales, {moment_blocks(parameter.shape())});
    check_dtype("adamw8", name, *scales, DType::f32);
  }
  kernel_table(ctx.device()).adamw8_step(ctx, parameter, master, first, second, gradient, options);
}

double sum_of_squares(Context& ctx, std::span<const Tensor> tensors) {
  for (const Tensor& x : tensors) {
    check_flat(ctx, "sum_of_squares", "x", x);
    check_dtype("sum_of_squares", "x", x, DType::f32);
  }
  return kernel_table(ctx.device()).sum_of_squares(ctx, tensors);
}

}  // namespace artemis

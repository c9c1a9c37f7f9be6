#include "artemis/kernels/adamw.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {

namespace {

void check_flat(const Context& ctx, const char* operation, const char* name, const Tensor& tensor) {
  require(tensor.defined(), operation, "{} is absent", name);
  require(tensor.device() == ctx.device() && tensor.contiguous(), operation,
          "{} must be contiguous on the context's device", name);
}

}  // namespace

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  check_flat(ctx, "adamw", "parameter", parameter);
  check_real("adamw", "parameter", parameter);
  for (const auto& [name, tensor] : {std::pair{"master", &master}, std::pair{"first", &first},
                                     std::pair{"second", &second}, std::pair{"gradient", &gradient}}) {
    check_flat(ctx, "adamw", name, *tensor);
    check_dtype("adamw", name, *tensor, DType::f32);
    require(tensor->shape() == parameter.shape(), "adamw", "{} has shape {}, expected {}", name,
            tensor->shape().to_string(), parameter.shape().to_string());
  }
  require(options.step >= 1, "adamw", "step is {}, expected 1 or more", options.step);
  kernel_table(ctx.device()).adamw_step(ctx, parameter, master, first, second, gradient, options);
}

double sum_of_squares(Context& ctx, const Tensor& x) {
  check_flat(ctx, "sum_of_squares", "x", x);
  check_dtype("sum_of_squares", "x", x, DType::f32);
  return kernel_table(ctx.device()).sum_of_squares(ctx, x);
}

}  // namespace artemis

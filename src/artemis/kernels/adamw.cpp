#include "artemis/kernels/adamw.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  check_real("adamw", "parameter", parameter);
  require(parameter.device() == ctx.device() && parameter.contiguous(), "adamw",
          "parameter must be contiguous on the context's device");
  for (const auto& [name, tensor] : {std::pair{"master", &master}, std::pair{"first", &first},
                                     std::pair{"second", &second}, std::pair{"gradient", &gradient}}) {
    require(tensor->shape() == parameter.shape(), "adamw", "{} has shape {}, expected {}", name,
            tensor->shape().to_string(), parameter.shape().to_string());
    check_dtype("adamw", name, *tensor, DType::f32);
    require(tensor->device() == ctx.device() && tensor->contiguous(), "adamw",
            "{} must be contiguous on the context's device", name);
  }
  require(options.step >= 1, "adamw", "step is {}, expected 1 or more", options.step);
  kernel_table(ctx.device()).adamw_step(ctx, parameter, master, first, second, gradient, options);
}

double sum_of_squares(Context& ctx, const Tensor& x) {
  check_dtype("sum_of_squares", "x", x, DType::f32);
  require(x.contiguous(), "sum_of_squares", "x must be contiguous");
  return kernel_table(ctx.device()).sum_of_squares(ctx, x);
}

}  // namespace artemis

#include "artemis/kernels/activation.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

void check_same(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                const Tensor& like) {
  check_shape(ctx, operation, name, tensor, {like.dim(0), like.dim(1)});
  check_dtype(operation, name, tensor, like.dtype());
}

void check_matrix(const Context& ctx, const char* operation, const char* name, const Tensor& tensor) {
  check_shape(ctx, operation, name, tensor, {-1, -1});
  check_real(operation, name, tensor);
}

}  // namespace

void activation_forward(Context& ctx, const Tensor& out, const Tensor& x, Activation activation) {
  check_matrix(ctx, "activation", "x", x);
  check_same(ctx, "activation", "out", out, x);
  kernel_table(ctx.device()).activation_forward(ctx, out, x, activation);
}

void activation_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& x,
                         Activation activation) {
  check_matrix(ctx, "activation_backward", "x", x);
  check_same(ctx, "activation_backward", "d_out", d_out, x);
  check_same(ctx, "activation_backward", "d_x", d_x, x);
  kernel_table(ctx.device()).activation_backward(ctx, d_x, d_out, x, activation);
}

void gated_forward(Context& ctx, const Tensor& out, const Tensor& gate, const Tensor& up,
                   Activation activation) {
  check_matrix(ctx, "gated", "gate", gate);
  check_same(ctx, "gated", "up", up, gate);
  check_same(ctx, "gated", "out", out, gate);
  kernel_table(ctx.device()).gated_forward(ctx, out, gate, up, activation);
}

void gated_backward(Context& ctx, const Tensor& d_gate, const Tensor& d_up, const Tensor& d_out,
                    const Tensor& gate, const Tensor& up, Activation activation) {
  check_matrix(ctx, "gated_backward", "gate", gate);
  for (const auto& [name, tensor] : {std::pair{"up", &up}, std::pair{"d_out", &d_out},
                                     std::pair{"d_gate", &d_gate}, std::pair{"d_up", &d_up}}) {
    check_same(ctx, "gated_backward", name, *tensor, gate);
  }
  kernel_table(ctx.device()).gated_backward(ctx, d_gate, d_up, d_out, gate, up, activation);
}

}  // namespace artemis

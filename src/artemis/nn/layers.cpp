#include "artemis/nn/layers.h"

#include "artemis/kernels/linear.h"

namespace artemis {

void linear_backward(Context& ctx, const Tensor& d_x, const Linear& gradients, const Tensor& d_out,
                     const Tensor& x, const Linear& weights, InputGradient mode) {
  if (d_x) linear_backward_input(ctx, d_x, d_out, weights.weight, mode == InputGradient::accumulate);
  if (gradients.weight || gradients.bias)
    linear_backward_weight(ctx, gradients.weight, gradients.bias, d_out, x);
}

}  // namespace artemis

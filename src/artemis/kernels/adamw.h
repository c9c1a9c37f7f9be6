// AdamW (Loshchilov & Hutter 2019), in the order of operations of torch.optim.AdamW.
#pragma once

#include "artemis/core/context.h"

namespace artemis {

struct AdamWOptions {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  std::int64_t step = 1;        // from 1, for the bias corrections
  double gradient_scale = 1.0;  // applied to the gradient first (clipping)
};

// Updates master, first, second (f32) in place from gradient (f32) and writes the new master to parameter
// (f32 or bf16; may be master itself). All of one shape, contiguous.
void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options);

// The sum of squares of a contiguous f32 tensor, in double, in an order that does not depend on the thread
// count.
double sum_of_squares(Context& ctx, const Tensor& x);

}  // namespace artemis

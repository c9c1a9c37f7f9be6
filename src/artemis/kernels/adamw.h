// AdamW (Loshchilov & Hutter 2019), in the order of operations of torch.optim.AdamW, with moments in f32 or
// in 8 bits.
#pragma once

#include <span>

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
  // Of the stochastic rounding: element i of weight `weight` takes the 16 random bits number i of
  // Random(seed, weight * 2^32 + step).
  std::uint64_t seed = 0;
  std::uint32_t weight = 0;
};

// Updates master, first, second (f32) in place from gradient (f32) and writes the new master to parameter
// (f32 or bf16; may be master itself). Without a master the parameter, in bf16, is the weight itself: its new
// value is rounded stochastically. All of one shape, contiguous.
void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options);

// A moment in 8 bits: element i is scales[i / 256] times the value of codes[i] in the code book
// (moment_codes.h).
struct Moment8 {
  Tensor codes;   // u8, of the weight's shape
  Tensor scales;  // f32 (ceil(elements / 256))
};

// A moment of zeros.
Moment8 zero_moment8(const Shape& shape, Device device);

// As adamw_step; each block of 256 is decoded, updated in f32 and coded again, the first moment with the
// signed code book and the second with the unsigned.
void adamw8_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Moment8& first,
                 const Moment8& second, const Tensor& gradient, const AdamWOptions& options);

// The sum of the squares of contiguous f32 tensors, in double, in an order that does not depend on the thread
// count. Waits once for the device.
double sum_of_squares(Context& ctx, std::span<const Tensor> tensors);

}  // namespace artemis

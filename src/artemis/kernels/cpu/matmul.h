// Products of matrices through oneDNN, in tiles that do not depend on the number of threads.
#pragma once

#include "artemis/core/context.h"

namespace artemis::cpu {

// A matrix as the product reads it: element (i, j) at data[i * row + j * column], in elements; one of the two
// distances is 1.
struct Operand {
  const std::byte* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t row = 0;
  std::int64_t column = 0;
};

Operand as_operand(const Tensor& matrix);
Operand as_transposed(const Tensor& matrix);

// out (m, n) = a (m, k) b (k, n) + bias (n); added to out when accumulate is set. a and b have one dtype, f32
// or bf16, out that one or f32; bias may be undefined. Sums in f32, in an order that m, n and k decide.
void matmul(Context& ctx, const Tensor& out, const Operand& a, const Operand& b, std::int64_t depth,
            const Tensor& bias, bool accumulate);

}  // namespace artemis::cpu

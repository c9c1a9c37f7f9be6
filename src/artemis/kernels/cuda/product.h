// Matrix products by cuBLASLt.
#pragma once

#include <optional>

#include "artemis/kernels/activation.h"

namespace artemis::cuda {

// out = f(a b + bias) + addend, summed in f32 and rounded once. Matrices are row-major and may have a row
// stride.
struct Product {
  Tensor out{};  // (m, n), f32 or bf16; f32 where a and b are f32
  Tensor a{};    // (m, k), or (k, m) where a_transposed; f32 or bf16
  bool a_transposed = false;
  Tensor b{};  // (k, n), or (n, k) where b_transposed; of a's dtype
  bool b_transposed = false;
  Tensor bias{};                           // (n) of out's dtype
  std::optional<Activation> activation{};  // one that has_epilogue; then without an addend
  Tensor addend{};                         // (m, n) of out's dtype, possibly out itself
  bool invariant = false;  // a row of out has the same bits whatever m; a is then not transposed
};

// Whether cuBLASLt can apply the function before it stores a product.
bool has_epilogue(Activation activation);

// False, with nothing done, where cuBLASLt has no kernel for this bias, activation or addend. m, n, k > 0.
bool try_multiply(Context& ctx, const Product& product);

// Throws Error where cuBLASLt has no kernel.
void multiply(Context& ctx, const Product& product);

}  // namespace artemis::cuda

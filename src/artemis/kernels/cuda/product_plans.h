// Which of cuBLASLt's algorithms computes a product.
//
// A product of 50 MFLOP and more is measured at its first use: every algorithm that the library's heuristic
// proposes runs a few times, and the fastest stays; from 50 GFLOP on, algorithms with tiles that fit the
// product join them. Token counts are rounded up to 8 to 16 steps an octave first, so that ragged batches
// share what was measured. What was chosen goes to a PlanFile named after the GPU and the library's version,
// from which later runs take it: they start at once, and give the same bits. Smaller products, and what a
// graph that is being recorded asks for first, take the heuristic's first choice; with
// ARTEMIS_PRODUCT_PLANS=heuristic all do, and no file is read. Within a process a product's plan stays.
//
// Partial sums stay in f32 until all are added, in an order that the plan alone decides.
//
// Invariant products (ProductKey::invariant) have one plan whatever their rows: one that computes each
// element's sum in one sequence (cuBLASLt's "no reduction scheme"), chosen with invariant_rows rows.
#pragma once

#include <cublasLt.h>

#include <array>
#include <cstdint>

#include "artemis/core/context.h"

namespace artemis::cuda {

// Few enough for decoding, where the weights' way from memory is what costs, and a whole tile of most
// kernels.
constexpr std::int64_t invariant_rows = 64;

// All that an algorithm may depend on.
struct ProductKey {
  std::int64_t m, n, k;
  std::int64_t a_stride, b_stride, addend_stride, out_stride;
  std::int64_t a_transposed, b_transposed;
  std::int64_t dtype, out_dtype;
  std::int64_t a_alignment, b_alignment, addend_alignment, out_alignment;  // bytes, 16 at most
  std::int64_t epilogue;                                                   // cublasLtEpilogue_t
  std::int64_t addend;     // 0: none, 1: out itself, 2: another
  std::int64_t invariant;  // 1: m is invariant_rows, whatever the product's rows

  static constexpr std::size_t size = 18;
  std::array<std::int64_t, size> values() const;
  bool operator==(const ProductKey&) const = default;
};

// A product as cuBLASLt takes it: out^T = b^T a^T in columns, so that its A is b and its B is a.
struct ProductCall {
  ProductKey key;
  cublasLtMatmulDescOpaque_t operation;
  cublasLtMatrixLayoutOpaque_t a, b, addend, out;
  const void* a_data;
  const void* b_data;
  const void* addend_data;  // out_data where there is none
  void* out_data;
  std::size_t out_bytes;  // from the first element to the last
};

// Puts the product into the context's stream.
cublasStatus_t run(Context& ctx, ProductCall& call, const cublasLtMatmulAlgo_t& algorithm);

// Null where cuBLASLt has none. It stays for the life of the process.
const cublasLtMatmulAlgo_t* plan_of(Context& ctx, ProductCall& call);

}  // namespace artemis::cuda

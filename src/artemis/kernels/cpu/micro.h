// Inner loops of the CPU back end, compiled once for each instruction set (micro.inl) and chosen at run time,
// so that one build runs on any processor. The order of every sum is fixed: an element's value depends on its
// own row and column alone, not on how many rows or columns are computed with it.
#pragma once

#include <cstdint>

namespace artemis::cpu {

// Matrices are f32 and row-major; a name_row argument is the distance between rows in elements. `padded`
// extents are multiples of micro_width.
inline constexpr std::int64_t micro_width = 16;
inline constexpr std::int64_t key_tile = 64;

struct MicroKernels {
  const char* name;

  // c (rows, padded cols) += a b, with a[r][k] at a[r * a_row + k * a_step] and b (depth, padded cols): for
  // each element one chain of multiply-adds in the order of k, which starts from c.
  void (*multiply_add)(float* c, std::int64_t c_row, const float* a, std::int64_t a_row, std::int64_t a_step,
                       const float* b, std::int64_t b_row, std::int64_t rows, std::int64_t cols,
                       std::int64_t depth);

  // out (cols, rows) = in (rows, cols)^T, both extents padded.
  void (*transpose)(float* out, std::int64_t out_row, const float* in, std::int64_t in_row, std::int64_t rows,
                    std::int64_t cols);

  // out[i] = the bfloat16 with these bits.
  void (*widen)(float* out, const std::uint16_t* in, std::int64_t count);

  // One step of the running softmax over a tile of scores (rows, key_tile), of which row r sees columns
  // [begin[r], end[r]): scores become exp(score - max), unseen ones 0; max and sum are brought up to date and
  // the rows of out (rows, padded cols) are rescaled to the new max.
  void (*softmax_step)(float* scores, std::int64_t rows, const std::int32_t* begin, const std::int32_t* end,
                       float* max, float* sum, float* out, std::int64_t cols);

  // Scores (rows, key_tile) become probabilities exp(score - lse[row]), unseen ones 0.
  void (*probabilities)(float* scores, std::int64_t rows, const std::int32_t* begin, const std::int32_t* end,
                        const float* lse);

  // d (rows, key_tile) = p * (d - delta[row]), the softmax's gradient.
  void (*softmax_gradient)(float* d, const float* p, std::int64_t rows, const float* delta);

  // out[r * out_row + j] = x[r] . w[j]; w (cols, depth) f32, or bf16 as its bits.
  void (*dots_f32)(float* out, std::int64_t out_row, const float* x, std::int64_t x_row, const float* w,
                   std::int64_t w_row, std::int64_t rows, std::int64_t cols, std::int64_t depth);
  void (*dots_bf16)(float* out, std::int64_t out_row, const float* x, std::int64_t x_row,
                    const std::uint16_t* w, std::int64_t w_row, std::int64_t rows, std::int64_t cols,
                    std::int64_t depth);
};

// Those for the best instruction set that this processor has and oneDNN may use (its environment variable
// ONEDNN_MAX_CPU_ISA lowers both).
const MicroKernels& micro_kernels();

// True where the processor multiplies bf16 itself (AVX512_BF16, AMX) and oneDNN may use that.
bool has_bf16_products();

extern const MicroKernels micro_kernels_generic;
#if defined(__x86_64__)
extern const MicroKernels micro_kernels_avx2;
extern const MicroKernels micro_kernels_avx512;
#endif

}  // namespace artemis::cpu

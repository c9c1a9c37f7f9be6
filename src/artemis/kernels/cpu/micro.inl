// The bodies of MicroKernels for one instruction set. The file that includes this defines its name, the lanes
// of a vector, and how many vectors of columns (multiply_add) and of weight rows (dots) fill the registers.
// Nothing here may come from a header with functions of its own: the linker could keep the copy compiled for
// this instruction set for the whole program.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "artemis/kernels/cpu/micro.h"

#define ARTEMIS_JOIN_(a, b) a##b
#define ARTEMIS_JOIN(a, b) ARTEMIS_JOIN_(a, b)
#define ARTEMIS_TEXT_(a) #a
#define ARTEMIS_TEXT(a) ARTEMIS_TEXT_(a)
#define ARTEMIS_INLINE [[gnu::always_inline]] inline

namespace artemis::cpu {
namespace {

using i64 = std::int64_t;
constexpr i64 lanes = ARTEMIS_MICRO_LANES;
constexpr i64 most_columns = ARTEMIS_MICRO_COLUMNS;
constexpr i64 most_rows = 6;
using Vector = float __attribute__((vector_size(lanes * 4)));
using Integers = std::int32_t __attribute__((vector_size(lanes * 4)));
using Halves = std::uint16_t __attribute__((vector_size(lanes * 2)));
using Lanes = std::make_integer_sequence<i64, lanes>;
template <i64 rows, i64 cols>
using Block = Vector[static_cast<std::size_t>(rows)][static_cast<std::size_t>(cols)];
static_assert(micro_width % lanes == 0 && key_tile % (lanes * most_columns) == 0);

template <typename Wide, typename Narrow>
ARTEMIS_INLINE Wide load_as(const Narrow* from) {
  Wide value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}

ARTEMIS_INLINE Vector load(const float* from) { return load_as<Vector>(from); }

ARTEMIS_INLINE Vector load(const std::uint16_t* from) {
  return (Vector)(__builtin_convertvector(load_as<Halves>(from), Integers) << 16);
}

ARTEMIS_INLINE void store(float* to, Vector value) { __builtin_memcpy(to, &value, sizeof(value)); }

ARTEMIS_INLINE Vector splat(float value) { return value - Vector{}; }

// ---- c += a b

template <i64 rows, i64 columns>
ARTEMIS_INLINE void multiply_block(float* c, i64 c_row, const float* a, i64 a_row, i64 a_step, const float* b,
                                   i64 b_row, i64 depth) {
  Block<rows, columns> sum;
#pragma GCC unroll 8
  for (i64 r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (i64 n = 0; n < columns; ++n) sum[r][n] = load(c + r * c_row + n * lanes);
  }
  for (i64 k = 0; k < depth; ++k) {
    Block<1, columns> row;
#pragma GCC unroll 8
    for (i64 n = 0; n < columns; ++n) row[0][n] = load(b + k * b_row + n * lanes);
#pragma GCC unroll 8
    for (i64 r = 0; r < rows; ++r) {
      const Vector factor = splat(a[r * a_row + k * a_step]);
#pragma GCC unroll 8
      for (i64 n = 0; n < columns; ++n) sum[r][n] += factor * row[0][n];
    }
  }
#pragma GCC unroll 8
  for (i64 r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (i64 n = 0; n < columns; ++n) store(c + r * c_row + n * lanes, sum[r][n]);
  }
}

// All rows of one panel of columns: blocks of `rows`, then what is left in one smaller block.
template <i64 rows, i64 columns>
void multiply_panel(float* c, i64 c_row, const float* a, i64 a_row, i64 a_step, const float* b, i64 b_row,
                    i64 count, i64 depth) {
  for (; count >= rows; count -= rows) {
    multiply_block<rows, columns>(c, c_row, a, a_row, a_step, b, b_row, depth);
    c += rows * c_row;
    a += rows * a_row;
  }
  if constexpr (rows > 1) {
    if (count > 0) multiply_panel<rows - 1, columns>(c, c_row, a, a_row, a_step, b, b_row, count, depth);
  }
}

template <i64 columns>
void multiply_columns(float* c, i64 c_row, const float* a, i64 a_row, i64 a_step, const float* b, i64 b_row,
                      i64 rows, i64 cols, i64 depth) {
  constexpr i64 width = columns * lanes;
  for (; cols >= width; cols -= width) {
    multiply_panel<most_rows, columns>(c, c_row, a, a_row, a_step, b, b_row, rows, depth);
    c += width;
    b += width;
  }
  if constexpr (columns > 1) {
    if (cols > 0) multiply_columns<columns - 1>(c, c_row, a, a_row, a_step, b, b_row, rows, cols, depth);
  }
}

void multiply_add(float* c, i64 c_row, const float* a, i64 a_row, i64 a_step, const float* b, i64 b_row,
                  i64 rows, i64 cols, i64 depth) {
  multiply_columns<most_columns>(c, c_row, a, a_row, a_step, b, b_row, rows, cols, depth);
}

// ---- moving

template <i64... i>
ARTEMIS_INLINE Vector interleave_low(Vector a, Vector b, std::integer_sequence<i64, i...>) {
  return __builtin_shufflevector(a, b, (i / 2 + i % 2 * lanes)...);
}

template <i64... i>
ARTEMIS_INLINE Vector interleave_high(Vector a, Vector b, std::integer_sequence<i64, i...>) {
  return __builtin_shufflevector(a, b, (lanes / 2 + i / 2 + i % 2 * lanes)...);
}

template <i64 distance, i64... i>
ARTEMIS_INLINE Vector swap_lanes(Vector a, std::integer_sequence<i64, i...>) {
  return __builtin_shufflevector(a, a, (i ^ distance)...);
}

// A square of lanes x lanes: each stage shuffles the rows together perfectly, log2(lanes) times.
ARTEMIS_INLINE void transpose_square(float* out, i64 out_row, const float* in, i64 in_row) {
  Vector row[lanes];
#pragma GCC unroll 16
  for (i64 r = 0; r < lanes; ++r) row[r] = load(in + r * in_row);
#pragma GCC unroll 4
  for (i64 stage = 1; stage < lanes; stage *= 2) {
    Vector next[lanes];
#pragma GCC unroll 8
    for (i64 r = 0; r < lanes / 2; ++r) {
      next[2 * r] = interleave_low(row[r], row[r + lanes / 2], Lanes{});
      next[2 * r + 1] = interleave_high(row[r], row[r + lanes / 2], Lanes{});
    }
#pragma GCC unroll 16
    for (i64 r = 0; r < lanes; ++r) row[r] = next[r];
  }
#pragma GCC unroll 16
  for (i64 r = 0; r < lanes; ++r) store(out + r * out_row, row[r]);
}

void transpose(float* out, i64 out_row, const float* in, i64 in_row, i64 rows, i64 cols) {
  for (i64 r = 0; r < rows; r += lanes) {
    for (i64 c = 0; c < cols; c += lanes) {
      transpose_square(out + c * out_row + r, out_row, in + r * in_row + c, in_row);
    }
  }
}

void widen(float* out, const std::uint16_t* in, i64 count) {
  i64 i = 0;
  for (; i + lanes <= count; i += lanes) store(out + i, load(in + i));
  for (; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(in[i]) << 16;
    __builtin_memcpy(out + i, &bits, sizeof(bits));
  }
}

// ---- softmax

template <i64 distance = lanes / 2>
ARTEMIS_INLINE float sum_of_lanes(Vector a) {
  a += swap_lanes<distance>(a, Lanes{});
  if constexpr (distance > 1) {
    return sum_of_lanes<distance / 2>(a);
  } else {
    return a[0];
  }
}

ARTEMIS_INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }

template <i64 distance = lanes / 2>
ARTEMIS_INLINE float largest_lane(Vector a) {
  a = larger(a, swap_lanes<distance>(a, Lanes{}));
  if constexpr (distance > 1) {
    return largest_lane<distance / 2>(a);
  } else {
    return a[0];
  }
}

// e^x for x <= 88, to about 1 unit in the last place: x = n ln 2 + f, |f| <= ln(2) / 2, Taylor's series for
// e^f, and 2^n put into the exponent. Below the normal range the result is 0.
ARTEMIS_INLINE Vector exponential(Vector x) {
  constexpr float to_integer = 12582912.0f;  // 1.5 * 2^23: adding it leaves n in the lowest bits
  constexpr std::int32_t to_integer_bits = 0x4b400000;
  const Vector shifted = x * 1.44269504f + to_integer;
  const Vector n = shifted - to_integer;
  const Vector f = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  Vector y = f * (1.0f / 5040) + 1.0f / 720;
  y = y * f + 1.0f / 120;
  y = y * f + 1.0f / 24;
  y = y * f + 1.0f / 6;
  y = y * f + 0.5f;
  y = y * f + 1.0f;
  y = y * f + 1.0f;
  const Integers exponent = ((Integers)shifted - to_integer_bits + 127) << 23;
  return x < -87.33f ? Vector{} : y * (Vector)exponent;
}

ARTEMIS_INLINE float exponential(float x) { return exponential(splat(x))[0]; }

ARTEMIS_INLINE void hide(float* scores, std::int32_t begin, std::int32_t end) {
  for (std::int32_t j = 0; j < begin; ++j) scores[j] = -__builtin_inff();
  for (std::int32_t j = end; j < key_tile; ++j) scores[j] = -__builtin_inff();
}

ARTEMIS_INLINE float largest_score(const float* scores) {
  Vector most = load(scores);
  for (i64 j = lanes; j < key_tile; j += lanes) most = larger(load(scores + j), most);
  return largest_lane(most);
}

// scores = exp(scores - offset); returns their sum.
ARTEMIS_INLINE float exponentials(float* scores, float offset) {
  Vector total{};
  for (i64 j = 0; j < key_tile; j += lanes) {
    const Vector value = exponential(load(scores + j) - offset);
    store(scores + j, value);
    total += value;
  }
  return sum_of_lanes(total);
}

ARTEMIS_INLINE void clear(float* scores) {
  for (i64 j = 0; j < key_tile; j += lanes) store(scores + j, Vector{});
}

void softmax_step(float* scores, i64 rows, const std::int32_t* begin, const std::int32_t* end, float* max,
                  float* sum, float* out, i64 cols) {
  for (i64 r = 0; r < rows; ++r, scores += key_tile, out += cols) {
    if (begin[r] >= end[r]) {
      clear(scores);
      continue;
    }
    hide(scores, begin[r], end[r]);
    const float most = largest_score(scores);
    const float new_max = most > max[r] ? most : max[r];
    const float rescale = exponential(max[r] - new_max);
    max[r] = new_max;
    sum[r] = sum[r] * rescale + exponentials(scores, new_max);
    if (rescale != 1.0f) {
      for (i64 c = 0; c < cols; c += lanes) store(out + c, load(out + c) * rescale);
    }
  }
}

void probabilities(float* scores, i64 rows, const std::int32_t* begin, const std::int32_t* end,
                   const float* lse) {
  for (i64 r = 0; r < rows; ++r, scores += key_tile) {
    if (begin[r] >= end[r]) {
      clear(scores);
      continue;
    }
    hide(scores, begin[r], end[r]);
    exponentials(scores, lse[r]);
  }
}

void softmax_gradient(float* d, const float* p, i64 rows, const float* delta) {
  for (i64 r = 0; r < rows; ++r, d += key_tile, p += key_tile) {
    for (i64 j = 0; j < key_tile; j += lanes) store(d + j, load(p + j) * (load(d + j) - delta[r]));
  }
}

// ---- dot products

// The last elements of a row, filled up with zeros.
template <typename Element>
ARTEMIS_INLINE Vector load_some(const Element* from, i64 count) {
  Element some[lanes] = {};
  for (i64 i = 0; i < count; ++i) some[i] = from[i];
  return load(some);
}

// Asks for from[offset] early, which may lie past the end: hence no arithmetic on the pointer.
template <typename Element>
ARTEMIS_INLINE void prefetch(const Element* from, i64 offset) {
  const auto address = reinterpret_cast<std::intptr_t>(from) + offset * static_cast<i64>(sizeof(Element));
  __builtin_prefetch(reinterpret_cast<const void*>(address));  // NOLINT(performance-no-int-to-ptr)
}

// The weights of the next columns are on their way while these are used: the processor's own prefetching
// stops at each row's pages.
template <i64 rows, i64 cols, bool whole, typename Element>
ARTEMIS_INLINE void dot_step(Block<rows, cols>& sum, const float* x, i64 x_row, const Element* w, i64 w_row,
                             i64 count) {
  Block<1, cols> weight;
#pragma GCC unroll 8
  for (i64 c = 0; c < cols; ++c) {
    weight[0][c] = whole ? load(w + c * w_row) : load_some(w + c * w_row, count);
    prefetch(w, (cols + c) * w_row);
  }
#pragma GCC unroll 8
  for (i64 r = 0; r < rows; ++r) {
    const Vector factor = whole ? load(x + r * x_row) : load_some(x + r * x_row, count);
#pragma GCC unroll 8
    for (i64 c = 0; c < cols; ++c) sum[r][c] += factor * weight[0][c];
  }
}

template <i64 rows, i64 cols, typename Element>
ARTEMIS_INLINE void dot_block(float* out, i64 out_row, const float* x, i64 x_row, const Element* w, i64 w_row,
                              i64 depth) {
  Block<rows, cols> sum = {};
  i64 k = 0;
  for (; k + lanes <= depth; k += lanes) dot_step<rows, cols, true>(sum, x + k, x_row, w + k, w_row, lanes);
  if (k < depth) dot_step<rows, cols, false>(sum, x + k, x_row, w + k, w_row, depth - k);
#pragma GCC unroll 8
  for (i64 r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (i64 c = 0; c < cols; ++c) out[r * out_row + c] = sum_of_lanes(sum[r][c]);
  }
}

template <i64 rows, i64 cols, typename Element>
void dot_rows(float* out, i64 out_row, const float* x, i64 x_row, const Element* w, i64 w_row, i64 count,
              i64 depth) {
  for (; count >= rows; count -= rows) {
    dot_block<rows, cols>(out, out_row, x, x_row, w, w_row, depth);
    out += rows * out_row;
    x += rows * x_row;
  }
  if constexpr (rows > 1) {
    if (count > 0) dot_rows<rows - 1, cols>(out, out_row, x, x_row, w, w_row, count, depth);
  }
}

template <i64 cols, typename Element>
ARTEMIS_INLINE void dots(float* out, i64 out_row, const float* x, i64 x_row, const Element* w, i64 w_row,
                         i64 rows, i64 count, i64 depth) {
  for (; count >= cols; count -= cols) {
    dot_rows<4, cols>(out, out_row, x, x_row, w, w_row, rows, depth);
    out += cols;
    w += cols * w_row;
  }
  if constexpr (cols > 1) {
    if (count > 0) dots<cols - 1>(out, out_row, x, x_row, w, w_row, rows, count, depth);
  }
}

void dots_f32(float* out, i64 out_row, const float* x, i64 x_row, const float* w, i64 w_row, i64 rows,
              i64 cols, i64 depth) {
  dots<ARTEMIS_MICRO_DOTS>(out, out_row, x, x_row, w, w_row, rows, cols, depth);
}

void dots_bf16(float* out, i64 out_row, const float* x, i64 x_row, const std::uint16_t* w, i64 w_row,
               i64 rows, i64 cols, i64 depth) {
  dots<ARTEMIS_MICRO_DOTS>(out, out_row, x, x_row, w, w_row, rows, cols, depth);
}

}  // namespace

const MicroKernels ARTEMIS_JOIN(micro_kernels_, ARTEMIS_MICRO_NAME) = {
    .name = ARTEMIS_TEXT(ARTEMIS_MICRO_NAME),
    .multiply_add = multiply_add,
    .transpose = transpose,
    .widen = widen,
    .softmax_step = softmax_step,
    .probabilities = probabilities,
    .softmax_gradient = softmax_gradient,
    .dots_f32 = dots_f32,
    .dots_bf16 = dots_bf16,
};

}  // namespace artemis::cpu

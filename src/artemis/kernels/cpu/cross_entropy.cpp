#include <algorithm>
#include <cmath>
#include <span>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/cpu/lanes.h"
#include "artemis/kernels/cpu/math.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// A row is cut into chunks that stay in the cache between maximum and sum, and that share a long row out to
// the threads.
constexpr std::int64_t chunk_size = 8192;

std::int64_t chunks_of(std::int64_t vocabulary) { return (vocabulary + chunk_size - 1) / chunk_size; }

template <typename T>
ARTEMIS_VECTORISED float maximum_of(const T* logits, std::int64_t count) {
  return maximum_in_lanes(count, [&](std::int64_t i) { return load(logits[i]); });
}

template <typename T>
ARTEMIS_VECTORISED float sum_of_exponentials(const T* logits, std::int64_t count, float maximum) {
  return sum_in_lanes(count, [&](std::int64_t i) { return exp_f32(load(logits[i]) - maximum); });
}

// The sum of exp(logit - maximum) over a chunk of a row. A chunk of nothing but -inf sums to 0; a NaN in it
// makes the sum NaN, though the maximum passes over it.
struct Chunk {
  float maximum;
  float sum;
};

template <typename T>
Chunk sum_chunk(const T* logits, std::int64_t count) {
  const float maximum = maximum_of(logits, count);
  return {maximum, sum_of_exponentials(logits, count, maximum == -INFINITY ? 0.0f : maximum)};
}

// The row's maximum m and log(sum of exp(logit - m)), from its chunks in order.
struct LogSum {
  float maximum;
  double log_sum;
};

LogSum combine(std::span<const Chunk> chunks) {
  float maximum = -INFINITY;
  for (const Chunk& chunk : chunks) maximum = std::max(maximum, chunk.maximum);
  double sum = 0;
  for (const Chunk& chunk : chunks) {
    sum += static_cast<double>(chunk.sum) *
           (chunk.maximum == maximum ? 1.0 : std::exp(static_cast<double>(chunk.maximum - maximum)));
  }
  return {maximum, std::log(sum)};
}

template <typename T>
ARTEMIS_VECTORISED void scaled_softmax(T* out, const T* logits, std::int64_t count, float lse, float scale) {
  for (std::int64_t i = 0; i < count; ++i) store(out[i], scale * exp_f32(load(logits[i]) - lse));
}

// body(row, begin, end) for every chunk of every row.
template <typename Body>
void for_chunks(Context& ctx, const Tensor& logits, const Body& body) {
  const std::int64_t vocabulary = logits.dim(1);
  const std::int64_t chunks = chunks_of(vocabulary);
  ctx.pool().ranges(logits.dim(0) * chunks, row_grain(std::min(vocabulary, chunk_size)),
                    [&](std::int64_t first, std::int64_t last) {
                      for (std::int64_t i = first; i < last; ++i) {
                        const std::int64_t begin = i % chunks * chunk_size;
                        body(i / chunks, begin, std::min(vocabulary, begin + chunk_size));
                      }
                    });
}

}  // namespace

void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels) {
  const std::int64_t chunks = chunks_of(logits.dim(1));
  const Arena::Scope scope(ctx.arena());
  const Tensor scratch = ctx.allocate(DType::f32, {logits.dim(0), chunks, 2});
  auto* sums = reinterpret_cast<Chunk*>(scratch.mutable_raw());
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    for_chunks(ctx, logits, [&](std::int64_t i, std::int64_t begin, std::int64_t end) {
      sums[i * chunks + begin / chunk_size] = sum_chunk(row<T>(logits, i) + begin, end - begin);
    });
    for (std::int64_t i = 0; i < logits.dim(0); ++i) {
      const auto [maximum, log_sum] = combine(std::span(sums + i * chunks, static_cast<std::size_t>(chunks)));
      const auto largest = static_cast<double>(maximum);
      const auto label = static_cast<double>(load(row<T>(logits, i)[labels.data<std::int32_t>()[i]]));
      lse.mutable_data<float>()[i] = static_cast<float>(largest + log_sum);
      loss.mutable_data<float>()[i] = static_cast<float>((largest - label) + log_sum);
    }
  });
}

void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale) {
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    for_chunks(ctx, logits, [&](std::int64_t i, std::int64_t begin, std::int64_t end) {
      const T* x = row<T>(logits, i);
      T* d = mutable_row<T>(d_logits, i);
      const float log_sum = lse.data<float>()[i];
      const std::int32_t label = labels.data<std::int32_t>()[i];
      const bool has_label = begin <= label && label < end;
      const float at_label = has_label ? scale * (exp_f32(load(x[label]) - log_sum) - 1.0f) : 0.0f;
      scaled_softmax(d + begin, x + begin, end - begin, log_sum, scale);
      if (has_label) store(d[label], at_label);
    });
  });
}

}  // namespace artemis::cpu

#include <cmath>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/cpu/math.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// Sixteen running values, so that the loops vectorise; sums of blocks go on in double.
constexpr std::int64_t lanes = 16;
constexpr std::int64_t block = 4096;

template <typename T>
ARTEMIS_VECTORISED float row_maximum(const T* logits, std::int64_t count) {
  float largest[lanes];
  for (float& value : largest) value = -INFINITY;
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const float value = load(logits[i + lane]);
      largest[lane] = value > largest[lane] ? value : largest[lane];
    }
  }
  float result = -INFINITY;
  for (float value : largest) result = value > result ? value : result;
  for (; i < count; ++i) result = load(logits[i]) > result ? load(logits[i]) : result;
  return result;
}

template <typename T>
ARTEMIS_VECTORISED float sum_of_exponentials(const T* logits, std::int64_t count, float maximum) {
  float partial[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      partial[lane] += exp_f32(load(logits[i + lane]) - maximum);
  }
  float sum = 0;
  for (float value : partial) sum += value;
  for (; i < count; ++i) sum += exp_f32(load(logits[i]) - maximum);
  return sum;
}

template <typename T>
float log_sum_exp(const T* logits, std::int64_t count) {
  const float maximum = row_maximum(logits, count);
  double sum = 0;
  for (std::int64_t i = 0; i < count; i += block) {
    sum += static_cast<double>(sum_of_exponentials(logits + i, std::min(block, count - i), maximum));
  }
  return maximum + static_cast<float>(std::log(sum));
}

template <typename T>
ARTEMIS_VECTORISED void scaled_softmax(T* out, const T* logits, std::int64_t count, float lse, float scale) {
  for (std::int64_t i = 0; i < count; ++i) store(out[i], scale * exp_f32(load(logits[i]) - lse));
}

template <typename Body>
void for_rows(Context& ctx, const Tensor& logits, const Body& body) {
  ctx.pool().ranges(logits.dim(0), row_grain(logits.dim(1)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels) {
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, logits, [&](std::int64_t i) {
      const float log_sum = log_sum_exp(row<T>(logits, i), logits.dim(1));
      lse.mutable_data<float>()[i] = log_sum;
      loss.mutable_data<float>()[i] = log_sum - load(row<T>(logits, i)[labels.data<std::int32_t>()[i]]);
    });
  });
}

void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale) {
  dispatch_real(logits.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, logits, [&](std::int64_t i) {
      const std::int32_t label = labels.data<std::int32_t>()[i];
      const float at_label = scale * (exp_f32(load(row<T>(logits, i)[label]) - lse.data<float>()[i]) - 1.0f);
      scaled_softmax(mutable_row<T>(d_logits, i), row<T>(logits, i), logits.dim(1), lse.data<float>()[i],
                     scale);
      store(mutable_row<T>(d_logits, i)[label], at_label);
    });
  });
}

}  // namespace artemis::cpu

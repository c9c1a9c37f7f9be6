#include <numeric>
#include <vector>

#include "artemis/kernels/adamw_factors.h"
#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/moment_codes.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// A step works on so many elements at a time, whatever the dtypes.
constexpr std::int64_t block = moment_block;

// Elements [begin, begin + count) of a weight.
struct Range {
  std::int64_t begin;
  std::int64_t count;
};

ARTEMIS_VECTORISED void update(float* weight, float* first, float* second, const float* gradient,
                               std::int64_t count, const AdamWFactors& step) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    first[i] = first[i] + step.beta1_rest * (g - first[i]);
    second[i] = step.beta2 * second[i] + step.beta2_rest * g * g;
    const float denominator = std::sqrt(second[i]) / step.root_second + step.eps;
    weight[i] = weight[i] * step.decay - step.step_size * first[i] / denominator;
  }
}

ARTEMIS_VECTORISED void widen(float* values, const bfloat16* parameter, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(parameter[i]);
}

ARTEMIS_VECTORISED void round_to(bfloat16* parameter, const float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) parameter[i] = bfloat16(values[i]);
}

// Range.begin is a multiple of the noise's groups.
ARTEMIS_VECTORISED void round_stochastically(bfloat16* parameter, const float* values, Range range,
                                             const RoundingNoise& noise) {
  for (std::int64_t i = 0; i < range.count; i += noise_group) {
    const auto bits = noise.of_eight(static_cast<std::uint64_t>((range.begin + i) / noise_group));
    const std::int64_t end = std::min(noise_group, range.count - i);
    for (std::int64_t j = 0; j < end; ++j) {
      const std::uint32_t half = (bits[static_cast<std::size_t>(j / 2)] >> (16 * (j % 2))) & 0xffffu;
      parameter[i + j].bits = bfloat16_bits_stochastic(std::bit_cast<std::uint32_t>(values[i + j]), half);
    }
  }
}

// The weight's exact values of a range: its own memory, or a copy in the buffer.
float* weight_values(float* buffer, const Tensor& parameter, const Tensor& master, Range range) {
  if (master) return master.mutable_data<float>() + range.begin;
  widen(buffer, parameter.data<bfloat16>() + range.begin, range.count);
  return buffer;
}

void store_weight(const Tensor& parameter, const Tensor& master, const float* values, Range range,
                  const RoundingNoise& noise) {
  if (!master) {
    round_stochastically(parameter.mutable_data<bfloat16>() + range.begin, values, range, noise);
  } else if (parameter.dtype() == DType::bf16) {
    round_to(parameter.mutable_data<bfloat16>() + range.begin, values, range.count);
  } else if (parameter.raw() != master.raw()) {
    std::copy(values, values + range.count, parameter.mutable_data<float>() + range.begin);
  }
}

ARTEMIS_VECTORISED void decode(float* values, const std::uint8_t* codes, float scale, const float* book,
                               std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = scale * book[codes[i]];
}

// Returns the scale: the largest magnitude.
ARTEMIS_VECTORISED float encode(std::uint8_t* codes, const float* values, const MomentCodes& book,
                                std::int64_t count) {
  std::uint32_t largest = 0;  // bits of magnitudes, which are in the order of their values
  for (std::int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffu);
  const auto scale = std::bit_cast<float>(largest);
  const float divisor = scale > 0 ? scale : 1.0f;
  for (std::int64_t i = 0; i < count; ++i) codes[i] = moment_code(book, values[i] / divisor);
  return scale;
}

// A moment in f32, updated where it lies.
struct PlainMoment {
  const Tensor& values;

  float* open(float*, Range range) const { return values.mutable_data<float>() + range.begin; }
  void close(const float*, Range) const {}
};

// A moment in 8 bits, updated in a buffer.
struct CodedMoment {
  const Moment8& moment;
  const MomentCodes& book;

  float* open(float* buffer, Range range) const {
    decode(buffer, moment.codes.data<std::uint8_t>() + range.begin,
           moment.scales.data<float>()[range.begin / block], book.values.data(), range.count);
    return buffer;
  }
  void close(const float* values, Range range) const {
    moment.scales.mutable_data<float>()[range.begin / block] =
        encode(moment.codes.mutable_data<std::uint8_t>() + range.begin, values, book, range.count);
  }
};

template <typename Moment>
void step_blocks(Context& ctx, const Tensor& parameter, const Tensor& master, const Moment& first,
                 const Moment& second, const Tensor& gradient, const AdamWOptions& options) {
  const AdamWFactors factors = adamw_factors(options);
  const RoundingNoise noise = rounding_noise(options);
  ctx.pool().ranges(parameter.count(), piece_elements, [&](std::int64_t begin, std::int64_t end) {
    float weight_buffer[block];
    float first_buffer[block];
    float second_buffer[block];
    for (std::int64_t at = begin; at < end; at += block) {
      const Range range{at, std::min(block, end - at)};
      float* weight = weight_values(weight_buffer, parameter, master, range);
      float* mean = first.open(first_buffer, range);
      float* squares = second.open(second_buffer, range);
      update(weight, mean, squares, gradient.data<float>() + at, range.count, factors);
      first.close(mean, range);
      second.close(squares, range);
      store_weight(parameter, master, weight, range, noise);
    }
  });
}

ARTEMIS_VECTORISED double squares(const float* x, std::int64_t count) {
  double partial[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::int64_t lane = 0; lane < 8; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      partial[lane] += value * value;
    }
  }
  double sum = 0;
  for (double value : partial) sum += value;
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace

static_assert(piece_elements % block == 0 && block % noise_group == 0);

void adamw_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Tensor& first,
                const Tensor& second, const Tensor& gradient, const AdamWOptions& options) {
  step_blocks(ctx, parameter, master, PlainMoment{first}, PlainMoment{second}, gradient, options);
}

void adamw8_step(Context& ctx, const Tensor& parameter, const Tensor& master, const Moment8& first,
                 const Moment8& second, const Tensor& gradient, const AdamWOptions& options) {
  step_blocks(ctx, parameter, master, CodedMoment{first, signed_codes}, CodedMoment{second, unsigned_codes},
              gradient, options);
}

double sum_of_squares(Context& ctx, std::span<const Tensor> tensors) {
  double total = 0;
  for (const Tensor& x : tensors) {
    std::vector<double> sums(static_cast<std::size_t>((x.count() + piece_elements - 1) / piece_elements));
    ctx.pool().ranges(x.count(), piece_elements, [&](std::int64_t begin, std::int64_t end) {
      sums[static_cast<std::size_t>(begin / piece_elements)] = squares(x.data<float>() + begin, end - begin);
    });
    total += std::accumulate(sums.begin(), sums.end(), 0.0);
  }
  return total;
}

}  // namespace artemis::cpu

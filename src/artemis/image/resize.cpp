#include "artemis/image/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "artemis/image/codecs.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define ARTEMIS_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ARTEMIS_VECTOR_CLONES
#endif

namespace artemis {
namespace {

constexpr std::int64_t lanes = 16;  // rows that the horizontal pass takes together
constexpr std::int64_t channels = 3;
constexpr std::int64_t stripe = 512;  // samples of a row that the vertical pass takes together
constexpr std::int64_t rows_a_tile = 16;

// For each output position, the first input position and its weights, all with `taps` places (zeros at the
// end).
struct Weights {
  std::int64_t taps = 0;
  int precision = 0;  // weights are over 2^precision
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<std::int16_t> values;

  const std::int16_t* of(std::int64_t position) const { return values.data() + position * taps; }
};

std::int64_t toward_zero(double value) { return static_cast<std::int64_t>(value); }

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// The largest precision at which the greatest weight stays below 2^15.
int weight_precision(double greatest) {
  int precision = 0;
  while (precision < 22 && toward_zero(0.5 + greatest * (1 << (precision + 1))) < (1 << 15)) ++precision;
  return precision;
}

std::int16_t round_weight(double weight, int precision) {
  const double scaled = weight * (1 << precision);
  return static_cast<std::int16_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
}

Weights make_weights(std::int64_t input, std::int64_t output) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double stretch = std::max(scale, 1.0);
  const double support = 2 * stretch;
  const double inverse = 1 / stretch;
  Weights weights;
  weights.taps = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  std::vector<double> exact(static_cast<std::size_t>(output * weights.taps), 0.0);
  double greatest = 0;
  for (std::int64_t i = 0; i < output; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const std::int64_t first = std::max<std::int64_t>(toward_zero(centre - support + 0.5), 0);
    const std::int64_t end = std::min(toward_zero(centre + support + 0.5), input);
    const std::int64_t count = std::clamp<std::int64_t>(end - first, 0, weights.taps);
    double* row = exact.data() + i * weights.taps;
    double total = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      row[j] = cubic((static_cast<double>(j + first) - centre + 0.5) * inverse);
      total += row[j];
    }
    for (std::int64_t j = 0; j < count; ++j) {
      if (total != 0) row[j] /= total;
      greatest = std::max(greatest, row[j]);
    }
    weights.first.push_back(first);
    weights.count.push_back(count);
  }
  weights.precision = weight_precision(greatest);
  for (const double weight : exact) weights.values.push_back(round_weight(weight, weights.precision));
  return weights;
}

void in_tiles(ThreadPool* pool, std::int64_t count, std::int64_t grain,
              const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (pool != nullptr)
    pool->ranges(count, grain, body);
  else
    body(0, count);
}

// One output column of `lanes` rows: out[c][lane] = sum over taps of weight * in[tap][c][lane].
ARTEMIS_VECTOR_CLONES
void weigh_column(const std::int16_t* in, const std::int16_t* weights, std::int64_t taps, int precision,
                  std::uint8_t* out) {
  constexpr std::int64_t width = channels * lanes;
  std::array<std::int32_t, width> sum{};
  sum.fill(1 << (precision - 1));
  for (std::int64_t tap = 0; tap < taps; ++tap, in += width)
    for (std::int64_t i = 0; i < width; ++i) sum[static_cast<std::size_t>(i)] += weights[tap] * in[i];
  for (std::int64_t i = 0; i < width; ++i)
    out[i] = static_cast<std::uint8_t>(std::clamp(sum[static_cast<std::size_t>(i)] >> precision, 0, 255));
}

// A stretch of one output row: out[i] = sum over taps of weight * in[tap * stride + i].
ARTEMIS_VECTOR_CLONES
void weigh_rows(const std::uint8_t* in, std::int64_t stride, const std::int16_t* weights, std::int64_t taps,
                int precision, std::int64_t count, std::uint8_t* out) {
  std::array<std::int32_t, stripe> sum{};
  for (std::int64_t i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] = 1 << (precision - 1);
  for (std::int64_t tap = 0; tap < taps; ++tap, in += stride)
    for (std::int64_t i = 0; i < count; ++i)
      sum[static_cast<std::size_t>(i)] += weights[tap] * std::int16_t{in[i]};
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(std::clamp(sum[static_cast<std::size_t>(i)] >> precision, 0, 255));
}

// Rows [begin, end) of the horizontal pass, at most `lanes` of them. They are laid side by side first, so
// that the same weight serves neighbouring samples.
void resize_some_rows(const Tensor& in, const Weights& weights, std::int64_t begin, std::int64_t end,
                      Tensor& out) {
  const std::int64_t in_width = in.dim(1);
  const std::int64_t out_width = out.dim(1);
  std::vector<std::int16_t> side_by_side(static_cast<std::size_t>(in_width * channels * lanes));
  for (std::int64_t y = begin; y < end; ++y) {
    const std::uint8_t* row = in.data<std::uint8_t>() + y * in_width * channels;
    std::int16_t* lane = side_by_side.data() + (y - begin);
    for (std::int64_t i = 0; i < in_width * channels; ++i) lane[i * lanes] = row[i];
  }
  std::array<std::uint8_t, channels * lanes> column{};
  for (std::int64_t x = 0; x < out_width; ++x) {
    const auto i = static_cast<std::size_t>(x);
    weigh_column(side_by_side.data() + weights.first[i] * channels * lanes, weights.of(x), weights.count[i],
                 weights.precision, column.data());
    for (std::int64_t y = begin; y < end; ++y) {
      std::uint8_t* pixel = out.mutable_data<std::uint8_t>() + (y * out_width + x) * channels;
      for (std::int64_t c = 0; c < channels; ++c)
        pixel[c] = column[static_cast<std::size_t>(c * lanes + y - begin)];
    }
  }
}

Tensor resize_rows(const Tensor& in, std::int64_t width, ThreadPool* pool) {
  const Weights weights = make_weights(in.dim(1), width);
  Tensor out = allocate_pixels(width, in.dim(0));
  in_tiles(pool, in.dim(0), lanes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; y += lanes)
      resize_some_rows(in, weights, y, std::min(y + lanes, end), out);
  });
  return out;
}

Tensor resize_columns(const Tensor& in, std::int64_t height, ThreadPool* pool) {
  const Weights weights = make_weights(in.dim(0), height);
  const std::int64_t stride = in.dim(1) * channels;
  Tensor out = allocate_pixels(in.dim(1), height);
  in_tiles(pool, height, rows_a_tile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) {
      const auto i = static_cast<std::size_t>(y);
      const std::uint8_t* source = in.data<std::uint8_t>() + weights.first[i] * stride;
      std::uint8_t* target = out.mutable_data<std::uint8_t>() + y * stride;
      for (std::int64_t x = 0; x < stride; x += stripe)
        weigh_rows(source + x, stride, weights.of(y), weights.count[i], weights.precision,
                   std::min(stripe, stride - x), target + x);
    }
  });
  return out;
}

}  // namespace

Tensor resize_bicubic(const Tensor& pixels, PictureSize size, ThreadPool* pool) {
  ARTEMIS_ASSERT(pixels.shape().rank() == 3 && pixels.dim(2) == channels && pixels.contiguous());
  Tensor out = pixels;
  if (out.dim(1) != size.width) out = resize_rows(out, size.width, pool);
  if (out.dim(0) != size.height) out = resize_columns(out, size.height, pool);
  return out;
}

}  // namespace artemis

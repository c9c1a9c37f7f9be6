#include "artemis/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "artemis/core/error.h"
#include "artemis/report/markup.h"

namespace artemis {
namespace {

constexpr double tiny = 1e-290;  // lengths under it are none
constexpr double huge = 1e300;

double bounded(double end, Scale scale) {
  return std::clamp(end, scale == Scale::even ? -huge : 2 * tiny, huge);
}

// 1, 2 or 5 times a power of ten, at least `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (step <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

// With as many decimals as the step between ticks has, or short where that would be long.
std::string even_label(double value, double step, double largest) {
  if (value == 0) return "0";
  if (largest >= 1e4 || largest < 1e-3) return short_number(value);
  return fmt::format("{:.{}f}", value, std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))));
}

// The positions 1, 2 and 5 of each decade, or 1 alone over more than two decades, from below low to above
// high.
std::vector<double> decade_positions(double low, double high) {
  const bool whole = high / low > 100;
  const auto first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const auto last = static_cast<int>(std::ceil(std::log10(high) - 1e-9));
  std::vector<double> positions;
  for (int power = first; power <= last; ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor == 1.0 || (!whole && power < last)) positions.push_back(factor * std::pow(10.0, power));
    }
  }
  return positions;
}

}  // namespace

Axis::Axis(double low, double high, int ticks, bool rounded, Scale scale)
    : scale_(scale), low_(bounded(low, scale)), high_(bounded(high, scale)) {
  ARTEMIS_ASSERT(low <= high && (scale == Scale::even || low > 0));
  if (const double size = std::max(std::abs(low_), std::abs(high_));
      high_ - low_ <= std::max(1e-9 * size, tiny)) {
    const double apart = size < tiny ? 1 : 0.05 * size;
    low_ -= apart;
    high_ += apart;
  }
  if (scale == Scale::even) {
    tick_evenly(ticks, rounded);
  } else {
    tick_by_decades(ticks, rounded);
  }
}

void Axis::tick_evenly(int ticks, bool rounded) {
  const double step = round_step((high_ - low_) / ticks);
  const double first = rounded ? std::floor(low_ / step + 1e-9) : std::ceil(low_ / step - 1e-9);
  const double last = rounded ? std::ceil(high_ / step - 1e-9) : std::floor(high_ / step + 1e-9);
  const double largest = std::max(std::abs(first), std::abs(last)) * step;
  for (int i = 0; i <= static_cast<int>(last - first); ++i) {
    const double value = (first + i) * step;
    ticks_.push_back({value, even_label(value, step, largest)});
  }
  if (rounded) {
    low_ = first * step;
    high_ = last * step;
  }
}

void Axis::tick_by_decades(int ticks, bool rounded) {
  const std::vector<double> positions = decade_positions(low_, high_);
  if (rounded) {
    const double at_most = low_ * (1 + 1e-9);
    const double at_least = high_ * (1 - 1e-9);
    low_ = *(std::upper_bound(positions.begin(), positions.end(), at_most) - 1);
    high_ = *std::lower_bound(positions.begin(), positions.end(), at_least);
  }
  const std::size_t stride = positions.size() / static_cast<std::size_t>(2 * ticks) + 1;
  for (std::size_t i = 0; i < positions.size(); i += stride) {
    const double value = positions[i];
    if (value > low_ * (1 - 1e-9) && value < high_ * (1 + 1e-9)) {
      ticks_.push_back({value, short_number(value)});
    }
  }
}

double Axis::place(double value) const {
  if (scale_ == Scale::even) return (value - low_) / (high_ - low_);
  return std::log(value / low_) / std::log(high_ / low_);
}

}  // namespace artemis

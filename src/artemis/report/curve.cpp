#include "artemis/report/curve.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "artemis/core/error.h"

namespace artemis {
namespace {

using Iterator = std::vector<Point>::const_iterator;

// Whether a lies under b, a value that is not finite over all others.
bool lower(const Point& a, const Point& b) {
  if (!std::isfinite(a.y) || !std::isfinite(b.y)) return std::isfinite(a.y) && !std::isfinite(b.y);
  return a.y < b.y;
}

// The same with a value that is not finite under all others.
bool lower_or_gap(const Point& a, const Point& b) {
  if (!std::isfinite(a.y) || !std::isfinite(b.y)) return !std::isfinite(a.y) && std::isfinite(b.y);
  return a.y < b.y;
}

void append_extremes(std::vector<Point>& out, Iterator begin, Iterator end) {
  const Iterator least = std::min_element(begin, end, lower);
  const Iterator greatest = std::max_element(begin, end, lower_or_gap);
  out.push_back(*std::min(least, greatest));
  if (least != greatest) out.push_back(*std::max(least, greatest));
}

}  // namespace

std::vector<Point> thin(const std::vector<Point>& points, std::size_t most) {
  ARTEMIS_ASSERT(most >= 4);
  if (points.size() <= most) return points;
  const std::size_t bins = (most - 2) / 2;
  const std::size_t inner = points.size() - 2;
  const auto at = [&](std::size_t i) {
    return points.begin() + 1 + static_cast<std::ptrdiff_t>(inner * i / bins);
  };
  std::vector<Point> kept{points.front()};
  for (std::size_t bin = 0; bin < bins; ++bin) append_extremes(kept, at(bin), at(bin + 1));
  kept.push_back(points.back());
  return kept;
}

std::vector<Point> smooth(const std::vector<Point>& points, double span) {
  const double keep = 1 - 1 / std::max(1.0, span);
  double sum = 0;
  double weight = 0;
  std::vector<Point> out = points;
  for (Point& point : out) {
    if (!std::isfinite(point.y)) continue;
    sum = keep * sum + point.y;
    weight = keep * weight + 1;
    point.y = sum / weight;
  }
  return out;
}

}  // namespace artemis

#include "artemis/report/curve.h"

#include <algorithm>
#include <cmath>

#include "artemis/core/error.h"

namespace artemis {

void Curve::Bin::merge(const Bin& later) {
  if (later.low.y < low.y) low = later.low;
  if (later.high.y > high.y) high = later.high;
  x_sum += later.x_sum;
  y_sum += later.y_sum;
  count += later.count;
}

void Curve::add(Point point) {
  const bool behind = !empty() && point.x < last_.x;
  if (behind || !std::isfinite(point.x) || !std::isfinite(point.y)) return;
  last_ = point;
  const Bin bin(point);
  if (!bins_.empty() && bins_.back().count < bin_points_) {
    bins_.back().merge(bin);
    return;
  }
  if (bins_.size() == most_bins_) halve();
  bins_.push_back(bin);
}

// Merges neighbours, so that there is room for as many points again.
void Curve::halve() {
  std::vector<Bin> halved;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    if (i % 2 == 0) {
      halved.push_back(bins_[i]);
    } else {
      halved.back().merge(bins_[i]);
    }
  }
  bins_ = std::move(halved);
  bin_points_ *= 2;
}

Point Curve::lowest() const {
  ARTEMIS_ASSERT(!empty());
  return std::min_element(bins_.begin(), bins_.end(),
                          [](const Bin& a, const Bin& b) { return a.low.y < b.low.y; })
      ->low;
}

Point Curve::highest() const {
  ARTEMIS_ASSERT(!empty());
  return std::max_element(bins_.begin(), bins_.end(),
                          [](const Bin& a, const Bin& b) { return a.high.y < b.high.y; })
      ->high;
}

std::vector<Point> Curve::extremes() const {
  std::vector<Point> points;
  for (const Bin& bin : bins_) {
    const bool rises = bin.low.x <= bin.high.x;
    points.push_back(rises ? bin.low : bin.high);
    if (bin.low.x != bin.high.x) points.push_back(rises ? bin.high : bin.low);
  }
  return points;
}

std::vector<Point> Curve::means() const {
  std::vector<Point> points;
  for (const Bin& bin : bins_) {
    const auto count = static_cast<double>(bin.count);
    points.push_back({bin.x_sum / count, bin.y_sum / count});
  }
  return points;
}

std::vector<Point> smooth(const std::vector<Point>& points, std::size_t reach) {
  std::vector<Point> out = points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t near = std::min({reach, i, points.size() - 1 - i});
    double sum = 0;
    for (std::size_t j = i - near; j <= i + near; ++j) sum += points[j].y;
    out[i].y = sum / static_cast<double>(2 * near + 1);
  }
  return out;
}

}  // namespace artemis

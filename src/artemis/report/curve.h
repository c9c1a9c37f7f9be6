// The points of a curve, few enough to keep and to draw however long it grows.
#pragma once

#include <cstddef>
#include <vector>

namespace artemis {

struct Point {
  double x;
  double y;
};

// Keeps a curve as at most so many bins of equally many points: of each the least and the greatest value and
// the mean. Until there are more points than bins, every point is kept.
class Curve {
 public:
  explicit Curve(std::size_t most_bins = 300) : most_bins_(most_bins) {}

  // x rises from call to call. Points behind the last and values that are not finite are passed over.
  void add(Point point);

  bool empty() const { return bins_.empty(); }
  Point last() const { return last_; }
  // The lowest point, of equal ones the first.
  Point lowest() const;
  Point highest() const;

  // The lowest and the highest point of each bin, in their order.
  std::vector<Point> extremes() const;
  // The middle of each bin.
  std::vector<Point> means() const;

 private:
  struct Bin {
    Point low, high;
    double x_sum, y_sum;
    std::size_t count = 1;

    explicit Bin(Point point) : low(point), high(point), x_sum(point.x), y_sum(point.y) {}
    void merge(const Bin& later);
  };
  void halve();

  std::size_t most_bins_;
  std::size_t bin_points_ = 1;
  std::vector<Bin> bins_;
  Point last_{};
};

// Each value as the mean of those up to `reach` points away on either side, of fewer near the ends.
std::vector<Point> smooth(const std::vector<Point>& points, std::size_t reach);

}  // namespace artemis

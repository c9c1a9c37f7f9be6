// Points of a curve, made few and smooth enough to draw.
#pragma once

#include <cstddef>
#include <vector>

namespace artemis {

struct Point {
  double x;
  double y;
};

// At most `most` (4 or more) points: the first and the last, and the least and the greatest y of bins between
// them, in their order. Of a bin, values that are not finite stay only where it holds nothing else.
std::vector<Point> thin(const std::vector<Point>& points, std::size_t most);

// The exponential moving average over about `span` points, free of a bias to its start; values that are not
// finite stay as they are and count for nothing.
std::vector<Point> smooth(const std::vector<Point>& points, double span);

}  // namespace artemis

// Charts as SVG, in the colours of chart_style(), with their values shown on hovering.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/report/axis.h"
#include "artemis/report/curve.h"

namespace artemis {

struct Series {
  std::string name;
  // x rising; a value that is not finite (or not above 0 on a logarithmic scale) makes a gap.
  std::vector<Point> points;
  bool faint =
      false;  // drawn pale in the colour of the series after it, and left out of the values shown on hovering
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::vector<Series> series;  // later ones lie over earlier ones
  Scale y_scale = Scale::even;
  bool from_zero = false;  // an even scale that shows 0 as well
};

// Without any value to draw, a frame that says so.
std::string svg(const LineChart& chart);

struct Bar {
  std::string label;
  double value = 0;
  std::optional<double> goal{};  // marked; colours say whether it was reached
};

struct BarChart {
  std::string title;
  std::vector<Bar> bars;
  bool shares = true;  // values from 0 to 1, written as percent; else from 0 to the largest
};

std::string svg(const BarChart& chart);

// The style sheet of both, for light and dark. Charts of one page share it.
std::string_view chart_style();

}  // namespace artemis

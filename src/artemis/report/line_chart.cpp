#include <algorithm>
#include <cmath>
#include <limits>

#include "artemis/core/error.h"
#include "artemis/report/chart.h"
#include "artemis/report/markup.h"

namespace artemis {
namespace {

// Small enough that its letters can be read where a telephone shows it 300 pixels wide.
constexpr double width = 380;
constexpr double plot_height = 170;
constexpr double right_margin = 14;
constexpr double letter_width = 6.8;  // about, of the 12-pixel letters of labels
constexpr double legend_line = 18;
constexpr std::size_t colours = 6;
constexpr int hover_strips = 60;

bool drawable(const Point& point, Scale scale) {
  return std::isfinite(point.x) && std::isfinite(point.y) && (scale == Scale::even || point.y > 0);
}

double text_width(std::string_view text) {
  const auto begins_letter = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return letter_width * static_cast<double>(std::count_if(text.begin(), text.end(), begins_letter));
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

struct Ranges {
  Range x, y;
};

Ranges find_ranges(const LineChart& chart) {
  Ranges ranges;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      if (!drawable(point, chart.y_scale)) continue;
      ranges.x.include(point.x);
      ranges.y.include(point.y);
    }
  }
  if (chart.from_zero && chart.y_scale == Scale::even && !ranges.y.empty()) ranges.y.include(0);
  return ranges;
}

struct LegendEntry {
  double x, y;
  std::size_t series;
};

// In rows, from the left; nothing for a single series, which the title names.
std::vector<LegendEntry> lay_out_legend(const LineChart& chart) {
  std::vector<LegendEntry> entries;
  if (chart.series.size() < 2) return entries;
  double x = 0;
  double y = 40;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const double wide = 22 + text_width(chart.series[i].name) + 14;
    if (x > 0 && x + wide > width) {
      x = 0;
      y += legend_line;
    }
    entries.push_back({x, y, i});
    x += wide;
  }
  return entries;
}

class LinePainter {
 public:
  explicit LinePainter(const LineChart& chart)
      : chart_(chart), legend_(lay_out_legend(chart)), ranges_(find_ranges(chart)) {
    top_ = legend_.empty() ? 36 : legend_.back().y + legend_line;
  }

  std::string paint() {
    if (ranges_.x.empty()) {
      out_ +=
          fmt::format("<text class=\"note\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">no values yet</text>",
                      width / 2, top_ + plot_height / 2);
    } else {
      const Axis x(ranges_.x.low, ranges_.x.high, 6, false);
      const Axis y(ranges_.y.low, ranges_.y.high, 5, true, chart_.y_scale);
      paint_axes(x, y);
      for (std::size_t i = 0; i < chart_.series.size(); ++i) paint_series(i, x, y);
      paint_legend();
      paint_hover(x, y);
    }
    return frame();
  }

 private:
  double bottom() const { return top_ + plot_height; }
  double x_of(const Axis& axis, double value) const {
    return left_ + axis.place(value) * (width - right_margin - left_);
  }
  double y_of(const Axis& axis, double value) const { return bottom() - axis.place(value) * plot_height; }

  // A pale series has the colour of the one after it, whose points it shows.
  std::string colour(std::size_t series) const {
    const auto pale =
        std::count_if(chart_.series.begin(), chart_.series.begin() + static_cast<std::ptrdiff_t>(series),
                      [](const Series& before) { return before.faint; });
    return fmt::format("c{}", (series - static_cast<std::size_t>(pale)) % colours);
  }

  void paint_axes(const Axis& x, const Axis& y) {
    left_ = 0;
    for (const Tick& tick : y.ticks()) left_ = std::max(left_, text_width(tick.label) + 8);
    for (const Tick& tick : y.ticks()) {
      const double at = y_of(y, tick.value);
      out_ += fmt::format(
          "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{}\"/><text x=\"{:.1f}\" y=\"{:.1f}\" "
          "text-anchor=\"end\">{}</text>",
          left_, at, width - right_margin, left_ - 8, at + 4, tick.label);
    }
    out_ +=
        fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{}\"/>", left_, bottom(), width - right_margin);
    for (const Tick& tick : x.ticks()) {
      out_ += fmt::format(
          "<path class=\"axis\" d=\"M{0:.1f} {1:.1f}v4\"/><text x=\"{0:.1f}\" y=\"{2:.1f}\" "
          "text-anchor=\"middle\">{3}</text>",
          x_of(x, tick.value), bottom(), bottom() + 18, tick.label);
    }
    out_ += fmt::format("<text class=\"note\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                        width - right_margin, bottom() + 35, escape_markup(chart_.x_label));
  }

  void paint_series(std::size_t index, const Axis& x, const Axis& y) {
    const Series& series = chart_.series[index];
    std::string path;
    std::string dots;  // of points that stand alone
    const auto drawn = [&](std::size_t i) {
      return i < series.points.size() && drawable(series.points[i], chart_.y_scale);
    };
    for (std::size_t i = 0; i < series.points.size(); ++i) {
      if (!drawn(i)) continue;
      const bool begins = i == 0 || !drawn(i - 1);
      const double px = x_of(x, series.points[i].x);
      const double py = y_of(y, series.points[i].y);
      path += fmt::format("{}{:.1f} {:.1f}", begins ? 'M' : 'L', px, py);
      if (begins && !drawn(i + 1)) dots += fmt::format("M{:.1f} {:.1f}h0", px, py);
    }
    const std::string names = colour(index) + (series.faint ? " faint" : "");
    if (!path.empty()) out_ += fmt::format("<path class=\"line {}\" d=\"{}\"/>", names, path);
    if (!dots.empty()) out_ += fmt::format("<path class=\"line dot {}\" d=\"{}\"/>", names, dots);
  }

  void paint_legend() {
    for (const LegendEntry& entry : legend_) {
      const Series& series = chart_.series[entry.series];
      out_ += fmt::format(
          "<path class=\"line key {}{}\" d=\"M{:.1f} {:.1f}h14\"/><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
          colour(entry.series), series.faint ? " faint" : "", entry.x + 2, entry.y - 4, entry.x + 22, entry.y,
          escape_markup(series.name));
    }
  }

  // Strips that cover the plot, each of which shows the values nearest to its middle.
  void paint_hover(const Axis& x, const Axis& y) {
    const double strip = (width - right_margin - left_) / hover_strips;
    for (int i = 0; i < hover_strips; ++i) {
      const double begin = left_ + strip * i;
      const double middle =
          ranges_.x.low + (ranges_.x.high - ranges_.x.low) * (i + 0.5) / static_cast<double>(hover_strips);
      paint_strip(x, y, begin, strip, middle);
    }
  }

  void paint_strip(const Axis& x, const Axis& y, double begin, double wide, double middle) {
    std::string title;
    std::string marks;
    for (std::size_t i = 0; i < chart_.series.size(); ++i) {
      const Series& series = chart_.series[i];
      const Point* point = series.faint ? nullptr : nearest(series, middle);
      if (point == nullptr) continue;
      const double px = x_of(x, point->x);
      if (title.empty()) {
        title = fmt::format("{} {}", chart_.x_label, short_number(point->x));
        marks = fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", px, top_, bottom());
      }
      title += fmt::format("\n{}: {}", series.name, short_number(point->y));
      marks += fmt::format("<path class=\"line dot {}\" d=\"M{:.1f} {:.1f}h0\"/>", colour(i), px,
                           y_of(y, point->y));
    }
    out_ += fmt::format(
        "<g class=\"tip\"><title>{}</title><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
        "height=\"{}\"/>{}</g>",
        escape_markup(title), begin, top_, wide, plot_height, marks);
  }

  const Point* nearest(const Series& series, double x) const {
    const Point* best = nullptr;
    for (const Point& point : series.points) {
      if (!drawable(point, chart_.y_scale)) continue;
      if (best == nullptr || std::abs(point.x - x) < std::abs(best->x - x)) best = &point;
    }
    return best;
  }

  std::string frame() const {
    const std::string title = escape_markup(chart_.title);
    return fmt::format(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">"
        "<text class=\"title\" x=\"0\" y=\"16\">{}</text>{}</svg>",
        width, bottom() + 42, title, title, out_);
  }

  const LineChart& chart_;
  std::vector<LegendEntry> legend_;
  Ranges ranges_;
  double top_ = 0;
  double left_ = 0;
  std::string out_;
};

}  // namespace

std::string svg(const LineChart& chart) { return LinePainter(chart).paint(); }

}  // namespace artemis

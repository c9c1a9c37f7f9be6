#include <algorithm>
#include <cmath>

#include "artemis/core/error.h"
#include "artemis/report/chart.h"
#include "artemis/report/markup.h"

namespace artemis {
namespace {

constexpr double width = 380;
constexpr double first_row = 34;
constexpr double row_height = 38;

double largest(const BarChart& chart) {
  if (chart.shares) return 1;
  double most = 0;
  for (const Bar& bar : chart.bars) {
    for (const double value : {bar.value, bar.goal.value_or(0)}) {
      if (std::isfinite(value)) most = std::max(most, value);
    }
  }
  return most > 0 ? most : 1;
}

// The label over the bar at the left, the value at the right, the goal as a mark through the bar.
std::string paint_bar(const Bar& bar, double y, double most, bool shares) {
  const auto write = [&](double value) { return shares ? percent(value) : short_number(value); };
  const auto place = [&](double value) {
    return std::isfinite(value) ? width * std::clamp(value / most, 0.0, 1.0) : 0;
  };
  const bool missed = bar.goal.has_value() && !(bar.value >= *bar.goal);
  const std::string goal = bar.goal ? fmt::format("goal {}", write(*bar.goal)) : "";
  const std::string label = escape_markup(bar.label);
  const double top = y + 18;
  std::string out = fmt::format(
      "<g><title>{0}: {1}{2}</title><text x=\"0\" y=\"{3}\">{0}</text><text class=\"value\" x=\"{4}\" "
      "y=\"{3}\" text-anchor=\"end\"><tspan class=\"note\">{5}</tspan>{1}</text>",
      label, write(bar.value), bar.goal ? ", " + goal : "", y + 12, width,
      bar.goal ? goal + "\u2002\u2002" : "");
  out += fmt::format("<rect class=\"track\" x=\"0\" y=\"{}\" width=\"{}\" height=\"9\" rx=\"4.5\"/>", top,
                     width);
  out += fmt::format("<rect class=\"bar{}\" x=\"0\" y=\"{}\" width=\"{:.1f}\" height=\"9\" rx=\"4.5\"/>",
                     !bar.goal ? ""
                     : missed  ? " missed"
                               : " reached",
                     top, place(bar.value));
  if (bar.goal) {
    out += fmt::format("<path class=\"goal\" d=\"M{:.1f} {}v15\"/>",
                       std::clamp(place(*bar.goal), 1.0, width - 1), top - 3);
  }
  return out + "</g>";
}

}  // namespace

std::string svg(const BarChart& chart) {
  const double most = largest(chart);
  const std::string title = escape_markup(chart.title);
  double y = first_row;
  std::string bars;
  for (const Bar& bar : chart.bars) {
    bars += paint_bar(bar, y, most, chart.shares);
    y += row_height;
  }
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">"
      "<text class=\"title\" x=\"0\" y=\"16\">{}</text>{}</svg>",
      width, y, title, title, bars);
}

std::string_view chart_style() {
  return R"(
:root{color-scheme:light dark;
--paper:#f6f7f9;--card:#fff;--ink:#1b2330;--muted:#667085;--line:#e4e7ec;--rule:#98a2b3;--good:#1f9d6b;--miss:#d9822b;
--c0:#2f6fde;--c1:#d9622b;--c2:#1f9d6b;--c3:#8a56c9;--c4:#c23b6b;--c5:#7a7f1c}
@media(prefers-color-scheme:dark){:root{
--paper:#12151b;--card:#1a1f28;--ink:#e8ecf2;--muted:#98a2b3;--line:#2b323e;--rule:#667085;--good:#3fc48c;--miss:#eba04f;
--c0:#6da2ff;--c1:#ff9466;--c2:#3fc48c;--c3:#bb93f0;--c4:#f07ba4;--c5:#c5cb5a}}
.chart{display:block;width:100%;height:auto;font:12px system-ui,sans-serif;overflow:visible}
.chart text{fill:var(--muted);font-variant-numeric:tabular-nums}
.chart .title{fill:var(--ink);font-size:14px;font-weight:600}
.chart .value{fill:var(--ink);font-weight:600}
.chart .note{fill:var(--muted);font-weight:400}
.chart .grid{stroke:var(--line)}
.chart .axis{stroke:var(--rule)}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.line.faint{stroke-width:1;opacity:.35}
.line.dot{stroke-width:7}
.line.key{stroke-width:3}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
.tip{opacity:0}.tip:hover{opacity:1}.tip rect{fill:transparent}
.chart .track{fill:var(--line)}
.chart .bar{fill:var(--c0)}
.chart .bar.reached{fill:var(--good)}
.chart .bar.missed{fill:var(--miss)}
.chart .goal{stroke:var(--ink);stroke-width:2}
)";
}

}  // namespace artemis

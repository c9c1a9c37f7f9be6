// The scale of a chart's axis: from values to pixels, with ticks at round numbers.
#pragma once

#include <string>
#include <vector>

namespace artemis {

struct Tick {
  double value;
  std::string label;
};

enum class Scale : unsigned char { even, logarithmic };

class Axis {
 public:
  // From `low` to `high`, finite and in order, positive on a logarithmic scale; equal ends are moved apart.
  // About `ticks` ticks; `rounded` ends lie on ticks.
  Axis(double low, double high, int ticks, bool rounded, Scale scale = Scale::even);

  // Where a value lies: 0 at the low end, 1 at the high one.
  double place(double value) const;
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  void tick_evenly(int ticks, bool rounded);
  void tick_by_decades(int ticks, bool rounded);

  Scale scale_;
  double low_;
  double high_;
  std::vector<Tick> ticks_;
};

}  // namespace artemis

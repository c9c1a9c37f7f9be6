// The benches: what is timed, and beside which ceiling.
#pragma once

#include <string>
#include <vector>

#include "artemis/bench/ceilings.h"
#include "artemis/bench/timing.h"

namespace artemis::bench {

// One line of the table: a rate beside the ceiling that bounds it, measured in the same run.
struct Line {
  std::string name;
  double value = 0;
  std::string unit;
  double work_rate = 0;  // in the ceiling's unit: GFLOP/s or GB/s
  double ceiling = 0;
  std::string ceiling_unit;
};

// Each adds its lines.
void bench_operations(Context& ctx, const Ceilings& ceilings, std::vector<Line>& lines);
void bench_text(std::vector<Line>& lines, const Ceilings& ceilings);
void bench_grammar(std::vector<Line>& lines, const Ceilings& ceilings);
void bench_pictures(Context& ctx, std::vector<Line>& lines, const Ceilings& ceilings);
void bench_pipeline(Context& ctx, std::vector<Line>& lines, const Ceilings& ceilings);
void bench_model(Context& ctx, const std::string& size, DType dtype, const Ceilings& ceilings,
                 std::vector<Line>& lines);

}  // namespace artemis::bench

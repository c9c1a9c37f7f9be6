// The benches: what is timed, how, and beside which ceiling.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "artemis/core/context.h"
#include "artemis/core/random.h"
#include "artemis/io/json.h"

namespace artemis::bench {

// One line of the table: a rate beside the ceiling that bounds it, measured in the same run.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  double work_rate = 0;  // in the ceiling's unit: GFLOP/s or GB/s
  double ceiling = 0;
  std::string ceiling_unit;
};

// What this machine can do at most.
struct Ceilings {
  double gemm_f32 = 0;   // GFLOP/s, a product of 1024 cubed
  double gemm_bf16 = 0;  // GFLOP/s, likewise
  double read = 0;       // GB/s, summing 256 MiB with all threads
};
Ceilings measure_ceilings(Context& ctx);

// The median seconds of one call, over at least five calls and half a second, after one to warm up.
double median_seconds(const std::function<void()>& work);

// Standard normal values times `scale`; never zeros, which can run faster than real data.
Tensor random_tensor(DType dtype, const Shape& shape, float scale, Random& random);

// Each adds its figures.
void bench_operations(Context& ctx, const Ceilings& ceilings, std::vector<Figure>& figures);
void bench_text(std::vector<Figure>& figures, const Ceilings& ceilings);
void bench_pictures(Context& ctx, std::vector<Figure>& figures, const Ceilings& ceilings);
void bench_pipeline(Context& ctx, std::vector<Figure>& figures, const Ceilings& ceilings);
void bench_model(Context& ctx, const std::string& size, DType dtype, const Ceilings& ceilings,
                 std::vector<Figure>& figures);

}  // namespace artemis::bench

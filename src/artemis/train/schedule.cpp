#include "artemis/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace artemis {
namespace {

double at_least_one(std::int64_t steps) { return static_cast<double>(std::max<std::int64_t>(1, steps)); }

}  // namespace

double cosine_schedule(std::int64_t step, std::int64_t warmup_steps, std::int64_t total_steps) {
  if (step < warmup_steps) return static_cast<double>(step) / at_least_one(warmup_steps);
  const double progress = static_cast<double>(step - warmup_steps) / at_least_one(total_steps - warmup_steps);
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup_steps,
                       std::int64_t total_steps) {
  if (schedule == Schedule::cosine || step < warmup_steps) {
    return cosine_schedule(step, warmup_steps, total_steps);
  }
  return 1.0;
}

}  // namespace artemis

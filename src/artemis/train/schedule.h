// The learning rate over the steps of a run.
#pragma once

#include <cstdint>

namespace artemis {

// Linear warm-up from 0 over `warmup_steps`, then half a cosine to 0 at `total_steps`, as transformers'
// get_cosine_schedule_with_warmup. `step` counts from 0. Returns a factor in [0, 1].
double cosine_schedule(std::int64_t step, std::int64_t warmup_steps, std::int64_t total_steps);

enum class Schedule : std::uint8_t { cosine, constant };

// The cosine, or the same warm-up and then 1, as transformers' get_constant_schedule_with_warmup.
double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup_steps,
                       std::int64_t total_steps);

}  // namespace artemis

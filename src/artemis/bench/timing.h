// Timing by the host's clock.
#pragma once

#include <functional>
#include <vector>

#include "artemis/core/context.h"

namespace artemis::bench {

// The middle one, the upper of two; at least one value.
double median(std::vector<double> values);

// The seconds of one call, from an idle device to an idle device.
double seconds_of(Context& ctx, const std::function<void()>& work);

// The median seconds of one call, over at least `least_calls` and half a second, after one to warm up.
double median_seconds(const std::function<void()>& work, int least_calls = 5);
// The same for work of the context's device, which is idle before and after each call.
double median_seconds(Context& ctx, const std::function<void()>& work, int least_calls = 5);

}  // namespace artemis::bench

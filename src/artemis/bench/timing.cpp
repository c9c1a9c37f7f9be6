#include "artemis/bench/timing.h"

#include <algorithm>
#include <chrono>

namespace artemis::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double median(std::vector<double> values) {
  ARTEMIS_ASSERT(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double seconds_of(Context& ctx, const std::function<void()>& work) {
  ctx.synchronize();
  return seconds_of([&] {
    work();
    ctx.synchronize();
  });
}

double median_seconds(const std::function<void()>& work, int least_calls) {
  constexpr std::size_t most_calls = 1000;
  work();
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < static_cast<std::size_t>(least_calls) ||
         (total < 0.5 && seconds.size() < most_calls)) {
    seconds.push_back(seconds_of(work));
    total += seconds.back();
  }
  return median(std::move(seconds));
}

double median_seconds(Context& ctx, const std::function<void()>& work, int least_calls) {
  ctx.synchronize();
  return median_seconds(
      [&] {
        work();
        ctx.synchronize();
      },
      least_calls);
}

}  // namespace artemis::bench

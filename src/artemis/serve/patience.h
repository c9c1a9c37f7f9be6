// How long a request may be prepared: until its deadline, while its client is there, and not for long with
// pictures from elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace artemis {

class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  // `fetch_seconds`: for fetching all its pictures together. `gone`: whether the client has left.
  Patience(Clock::time_point deadline, double fetch_seconds, std::function<bool()> gone)
      : deadline_(deadline), fetch_seconds_(fetch_seconds), gone_(std::move(gone)) {}

  // Throws ApiError once the deadline has passed or the client is gone.
  void check() const;
  // Runs `fetch` with the seconds that it may take, and counts those that it took.
  std::string fetch(const std::function<std::string(double seconds)>& fetch);

 private:
  Clock::time_point deadline_;
  double fetch_seconds_;
  std::function<bool()> gone_;
};

}  // namespace artemis

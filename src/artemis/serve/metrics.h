// What a server counts, as Prometheus reads it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "artemis/generate/engine_thread.h"

namespace artemis {

// How often a time fell under each of some bounds. Not for several threads at once.
class Histogram {
 public:
  // `bounds`: seconds, rising.
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void add(double seconds);
  // In Prometheus' text form, under this name.
  void write(std::string& text, std::string_view name, std::string_view help) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;  // of each bound alone; the last: above all
  double sum_ = 0;
};

// Any thread may call any of these.
class Metrics {
 public:
  Metrics();

  // `path`: one of the server's own, not what a client made up.
  void count_request(std::string_view path, int status, double seconds);
  void add_first_token(double seconds);
  void add_between_tokens(double seconds);

  std::string text(const EngineCounters& engine) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  Histogram request_seconds_, first_token_, between_tokens_;
};

}  // namespace artemis

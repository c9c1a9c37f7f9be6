// A progress bar on stderr, with rate and time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace artemis {

// On a terminal one line that is drawn over, at most ten times a second; elsewhere a line every ten seconds.
class Progress {
 public:
  Progress(std::string name, std::int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the total; `units` so far for the rate; `note` (a loss, say) behind them.
  void update(std::int64_t done, double units, const std::string& note);
  // The last line, always drawn.
  void finish();

 private:
  void draw();

  std::string name_;
  std::int64_t total_;
  std::string unit_;
  std::int64_t done_ = 0;
  double units_ = 0;
  std::string note_;
  bool terminal_;
  bool finished_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

// "1:02:03" or "2:03".
std::string format_duration(double seconds);

}  // namespace artemis

#include "artemis/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "artemis/cli/stderr.h"

namespace artemis {
namespace {

constexpr int bar_width = 24;

std::string bar(std::int64_t done, std::int64_t total) {
  const std::int64_t filled = total > 0 ? std::min<std::int64_t>(bar_width, done * bar_width / total) : 0;
  std::string text;
  for (std::int64_t i = 0; i < bar_width; ++i) text += i < filled ? "█" : "░";
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, seconds) + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Progress(std::string name, std::int64_t total, std::string unit)
    : name_(std::move(name)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  if (terminal_ && !finished_) std::fputc('\n', stderr);
}

void Progress::update(std::int64_t done, double units, const std::string& note) {
  done_ = done;
  units_ = units;
  note_ = note;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - drawn_ < pause) return;
  drawn_ = now;
  draw();
}

void Progress::finish() {
  draw();
  finished_ = true;
  if (terminal_) std::fputc('\n', stderr);
}

void Progress::draw() {
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left =
      done_ > 0 ? elapsed / static_cast<double>(done_) * static_cast<double>(total_ - done_) : 0.0;
  const double rate = elapsed > 0 ? units_ / elapsed : 0.0;
  const std::string line =
      fmt::format("{} {} {}/{}  {:.1f} {}/s  {}  {} elapsed, {} left", name_, bar(done_, total_), done_,
                  total_, rate, unit_, note_, format_duration(elapsed), format_duration(left));
  if (terminal_) {
    print_stderr("\r{}\033[K", line);
    std::fflush(stderr);
  } else {
    print_stderr("{}\n", line);
  }
}

}  // namespace artemis

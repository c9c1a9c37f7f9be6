#include "artemis/cli/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);
std::string_view stop_notice;  // set before a signal is caught, and not while one is

void on_interrupt(int) {
  constexpr int interrupted = 130;
  if (stop_asked.exchange(true)) _exit(interrupted);
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, stop_notice.data(), stop_notice.size());
}

}  // namespace

InterruptGuard::InterruptGuard(std::span<const int> signals, std::string_view notice) {
  ARTEMIS_ASSERT(signals.size() <= most);
  stop_asked = false;
  stop_notice = notice;
  for (const int signal : signals) caught_[count_++] = {signal, std::signal(signal, on_interrupt)};
}

InterruptGuard::~InterruptGuard() {
  for (std::size_t i = 0; i < count_; ++i) std::signal(caught_[i].signal, caught_[i].previous);
}

const std::atomic<bool>& InterruptGuard::asked() const { return stop_asked; }

}  // namespace artemis

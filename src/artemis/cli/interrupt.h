// Interrupts (Ctrl-C) as a question that the work looks at, in place of the end of the program.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <string_view>

namespace artemis {

// Catches these signals as long as it lives; there is one at a time. The first sets asked() and writes
// `notice` to stderr; a second one ends the program with code 130. `notice` must outlive it.
class InterruptGuard {
 public:
  InterruptGuard(std::span<const int> signals, std::string_view notice);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  const std::atomic<bool>& asked() const;

 private:
  struct Caught {
    int signal;
    void (*previous)(int);
  };
  static constexpr std::size_t most = 4;
  std::array<Caught, most> caught_{};
  std::size_t count_ = 0;
};

}  // namespace artemis

// The program at a terminal of its own, which a test types at and reads from.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace artemis::test {

class Terminal {
 public:
  Terminal(std::vector<std::string> words, const std::map<std::string, std::string>& environment) {
    winsize size{.ws_row = 40, .ws_col = 100, .ws_xpixel = 800, .ws_ypixel = 640};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = forkpty(&master_, nullptr, nullptr, &size);
    if (process_ != 0) return;
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execv(arguments[0], arguments.data());
    _exit(98);
  }
  ~Terminal() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view text) const {
    ASSERT_EQ(write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // What was shown since the last call, up to this text; fails when it does not come within a minute.
  std::string until(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      const std::size_t at = shown_.find(text);
      if (at != shown_.npos) {
        const std::string before = shown_.substr(0, at + text.size());
        shown_.erase(0, before.size());
        return before;
      }
      if (std::chrono::steady_clock::now() > end || !take_more()) {
        ADD_FAILURE() << "'" << text << "' was not shown, but: " << shown_;
        return shown_;
      }
    }
  }

  // Waits until the program takes keys as they come.
  void until_raw() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    termios now{};
    do {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      ASSERT_EQ(tcgetattr(master_, &now), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while ((now.c_lflag & ICANON) != 0);
  }

  // The exit code; `rest` is what was still shown.
  int wait(std::string& rest) {
    while (take_more()) {
    }
    rest = shown_;
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  // False at the end, or when nothing came for a minute.
  bool take_more() {
    pollfd waits{.fd = master_, .events = POLLIN, .revents = 0};
    if (poll(&waits, 1, 10'000) <= 0) return false;
    std::array<char, 4096> piece{};
    const ssize_t got = read(master_, piece.data(), piece.size());
    if (got <= 0) return false;
    shown_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }

  int master_ = -1;
  pid_t process_ = 0;
  std::string shown_;
};

}  // namespace artemis::test

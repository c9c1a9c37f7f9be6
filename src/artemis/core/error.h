// Errors. `Error` is for what a user, a file or a request can cause; `ARTEMIS_ASSERT` is for our own faults.
// Nothing below cli prints or exits.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace artemis {

// A failure caused from outside, as one line: "[where] what was wrong, what was expected".
// `where` is a part of the program or a file with its key, byte or token position.
class Error : public std::runtime_error {
 public:
  Error(std::string_view where, std::string_view message)
      : std::runtime_error(printable(fmt::format("[{}] {}", where, message))) {}

 private:
  // Control characters (from a file's names, say) as \xNN, so that a message is one line; the middle of a
  // very long message is left out.
  static std::string printable(const std::string& text);
};

// Bad use of the command line (exit code 2 instead of 1).
class UsageError : public Error {
 public:
  using Error::Error;
};

// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(std::string_view where, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(where, fmt::format(format, std::forward<Args>(args)...));
}

// Throws Error when the condition does not hold.
template <typename... Args>
void require(bool condition, std::string_view where, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(where, format, std::forward<Args>(args)...);
}

// Reports a broken invariant and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace artemis

// Checks an invariant of our own code, in every build.
#define ARTEMIS_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::artemis::assertion_failed(#expression, __FILE__, __LINE__))

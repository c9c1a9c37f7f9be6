// Messages to whoever runs the program.
#pragma once

#include <fmt/format.h>

#include <cstdio>

namespace artemis {

// Writes to stderr. Where that takes nothing the text is lost, and the program goes on.
template <typename... Args>
void print_stderr(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

}  // namespace artemis

// Letters of ASCII, whatever the locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace artemis {

constexpr char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether two texts differ in the case of letters at most. (Beast's own reads a byte behind them.)
constexpr bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_ascii, lower_ascii);
}

}  // namespace artemis

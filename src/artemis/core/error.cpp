#include "artemis/core/error.h"

#include <cstdio>
#include <cstdlib>

namespace artemis {

std::string Error::printable(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "artemis: internal error: %s does not hold (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace artemis

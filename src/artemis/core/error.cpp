#include "artemis/core/error.h"

#include <cstdio>
#include <cstdlib>

namespace artemis {

namespace {

// What is kept of each end of a message: a file may bring names of any length.
constexpr std::size_t kept_bytes = 1000;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The text without its middle, cut between characters.
std::string shortened(const std::string& text) {
  if (text.size() <= 2 * kept_bytes) return text;
  std::size_t head = kept_bytes;
  std::size_t tail = text.size() - kept_bytes;
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return fmt::format("{} ... ({} bytes left out) ... {}", text.substr(0, head), tail - head,
                     text.substr(tail));
}

}  // namespace

std::string Error::printable(const std::string& text) {
  std::string out;
  for (const char c : shortened(text)) {
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

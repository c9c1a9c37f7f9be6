#include "artemis/core/error.h"

#include <cstdio>
#include <cstdlib>

namespace artemis {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "artemis: internal error: %s does not hold (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace artemis

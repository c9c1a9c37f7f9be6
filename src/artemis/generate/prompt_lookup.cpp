#include "artemis/generate/prompt_lookup.h"

#include <algorithm>
#include <initializer_list>

namespace artemis {

std::span<const std::int32_t> look_up(std::span<const std::int32_t> history, std::int64_t count) {
  for (const std::size_t length : std::initializer_list<std::size_t>{3, 2}) {
    if (history.size() <= length) continue;
    const auto last = history.last(length);
    const auto earlier = history.first(history.size() - 1);
    const auto found = std::find_end(earlier.begin(), earlier.end(), last.begin(), last.end());
    if (found == earlier.end()) continue;
    const auto begin = static_cast<std::size_t>(found - earlier.begin()) + length;
    return history.subspan(begin, std::min(static_cast<std::size_t>(count), history.size() - begin));
  }
  return {};
}

}  // namespace artemis

// The size that a picture is brought to before it is cut into patches.
#pragma once

#include <cstdint>
#include <string_view>

namespace artemis {

struct PictureSize {
  std::int64_t height = 0;
  std::int64_t width = 0;

  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

// Both sides rounded (half to even) to multiples of `factor`. When that is more than `max_pixels`, both are
// first divided by sqrt(height width / max_pixels) and rounded down, never under one factor; when it is less
// than `min_pixels`, both are multiplied likewise and rounded up. Throws Error naming `where` when one side
// is over 200 times the other. (transformers' smart_resize.)
PictureSize smart_resize(PictureSize size, std::int64_t factor, std::int64_t min_pixels,
                         std::int64_t max_pixels, std::string_view where);

}  // namespace artemis

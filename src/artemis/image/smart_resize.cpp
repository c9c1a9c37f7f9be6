#include "artemis/image/smart_resize.h"

#include <algorithm>
#include <cmath>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr double max_aspect_ratio = 200;

}  // namespace

PictureSize smart_resize(PictureSize size, std::int64_t factor, std::int64_t min_pixels,
                         std::int64_t max_pixels, std::string_view where) {
  ARTEMIS_ASSERT(size.height > 0 && size.width > 0 && factor > 0 && min_pixels > 0 && max_pixels > 0);
  const auto height = static_cast<double>(size.height);
  const auto width = static_cast<double>(size.width);
  const auto unit = static_cast<double>(factor);
  const double ratio = std::max(height, width) / std::min(height, width);
  require(ratio <= max_aspect_ratio, where,
          "picture of {}x{} pixels has the aspect ratio {:.1f}, expected at most {}", size.width, size.height,
          ratio, max_aspect_ratio);

  const auto scaled = [&](double blocks) { return static_cast<std::int64_t>(blocks) * factor; };
  // nearbyint rounds half to even, as Python's round.
  PictureSize out{scaled(std::nearbyint(height / unit)), scaled(std::nearbyint(width / unit))};
  if (out.height * out.width > max_pixels) {
    const double beta = std::sqrt(height * width / static_cast<double>(max_pixels));
    out.height = std::max(factor, scaled(std::floor(height / beta / unit)));
    out.width = std::max(factor, scaled(std::floor(width / beta / unit)));
  } else if (out.height * out.width < min_pixels) {
    const double beta = std::sqrt(static_cast<double>(min_pixels) / (height * width));
    out.height = scaled(std::ceil(height * beta / unit));
    out.width = scaled(std::ceil(width * beta / unit));
  }
  return out;
}

}  // namespace artemis

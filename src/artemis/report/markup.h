// Text, numbers and bytes as they stand in HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

// Safe as content and inside a quoted attribute; control characters become U+FFFD.
std::string escape_markup(std::string_view text);

// "data:image/png;base64,...". Throws Error for bytes that are neither JPEG nor PNG.
std::string image_url(std::string_view bytes);

// At most four significant digits: 0.1235, 12.35, 1.5e-05, 12k, 3.25M.
std::string short_number(double value);

// 0.947 as "94.7 %".
std::string percent(double share);

}  // namespace artemis

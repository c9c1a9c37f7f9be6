// Pictures as DEC sixels, which many terminals draw.
#pragma once

#include <string>

#include "artemis/core/tensor.h"

namespace artemis {

// The escape sequence that draws these pixels, u8 (height, width, 3), in a palette of 6 x 6 x 6 colours,
// dithered in the order of a Bayer matrix.
std::string sixel_escape(const Tensor& pixels);

}  // namespace artemis

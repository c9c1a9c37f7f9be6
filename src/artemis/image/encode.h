// Pictures to files: PNG.
#pragma once

#include <string>

#include "artemis/core/tensor.h"

namespace artemis {

// The bytes of a PNG of these pixels, u8 (height, width, 3), RGB. decode() gives the same pixels again.
std::string encode_png(const Tensor& pixels);

}  // namespace artemis

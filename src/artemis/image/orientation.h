// EXIF orientation. The reference, which is given pictures as Pillow opens them, ignores it; servers want it.
#pragma once

#include "artemis/image/decode.h"

namespace artemis {

// The EXIF orientation of a JPEG, PNG or WebP file, 1 to 8; 1 (as stored) when it has none or a damaged one.
int exif_orientation(Bytes bytes);

// Turns pixels u8 (height, width, 3) upright: 2 mirrored, 3 by 180 degrees, 4 upside down, 5 transposed, 6 by
// 90 degrees clockwise, 7 transposed along the other diagonal, 8 by 90 degrees counter-clockwise.
Tensor apply_orientation(const Tensor& pixels, int orientation);

}  // namespace artemis

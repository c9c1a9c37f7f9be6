// Bicubic resizing with antialias of 8-bit pictures, in the fixed-point arithmetic of PyTorch's CPU kernel.
#pragma once

#include "artemis/core/tensor.h"
#include "artemis/core/thread_pool.h"
#include "artemis/image/smart_resize.h"

namespace artemis {

// pixels u8 (height, width, 3) -> u8 (size.height, size.width, 3). Each output sample is a weighted sum along
// a row, rounded and clipped to 8 bits, then along a column. Weights: Keys' cubic with a = -0.5, stretched by
// the scale when shrinking, normalised in f64, then rounded to 16-bit integers over a power of two common to
// the pass, the largest at which the greatest weight fits (as Pillow does it). `pool` may be null; the result
// never depends on it.
Tensor resize_bicubic(const Tensor& pixels, PictureSize size, ThreadPool* pool = nullptr);

}  // namespace artemis

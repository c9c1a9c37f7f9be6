// Cutting a picture into the rows that the vision tower takes.
#pragma once

#include "artemis/core/tensor.h"
#include "artemis/core/thread_pool.h"
#include "artemis/image/processor_config.h"

namespace artemis {

// pixels u8 (height, width, 3), both sides multiples of config.factor(), to rows f32 (patches, 3 * T * P * P)
// of normalised values. Rows run (block_h, block_w, intra_h, intra_w), so that each merge * merge of them are
// one image token; columns run (channel, time, patch_h, patch_w), the picture repeated in time.
void patchify(const Tensor& rows, const Tensor& pixels, const PreprocessorConfig& config, ThreadPool& pool);

}  // namespace artemis

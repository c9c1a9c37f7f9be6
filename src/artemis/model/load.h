// Models between a checkpoint and memory.
#pragma once

#include "artemis/io/checkpoint.h"
#include "artemis/model/weight_names.h"

namespace artemis {

// The weights that the config describes, in the compute dtype, on the context's device: on the CPU a view of
// the mapped file where the dtype is the same, converted otherwise; on a GPU one block, as allocate_weights()
// lays it, filled in the order of the file's bytes through pinned memory, converted there. Throws Error
// naming a tensor that is missing or of another shape than the config asks for.
Graft load_graft(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype);

}  // namespace artemis

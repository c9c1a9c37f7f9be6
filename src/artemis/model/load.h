// Models between a checkpoint and memory.
#pragma once

#include "artemis/io/checkpoint.h"
#include "artemis/model/weight_names.h"

namespace artemis {

// The weights that the config describes, in the compute dtype, on the context's device: on the CPU a view of
// the mapped file where the dtype is the same, converted otherwise. Throws Error naming a tensor that is
// missing or of another shape than the config asks for.
Graft load_graft(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype);

}  // namespace artemis

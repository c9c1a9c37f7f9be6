// A model with the weights that a run trained.
#pragma once

#include <filesystem>

#include "artemis/core/context.h"

namespace artemis {

// Writes to `out` the model directory with the trained weights of a run in their places, and prints what
// became of its files. `trained` is the run's directory, one of its checkpoints, or the file itself.
void merge_trained(Context& ctx, const std::filesystem::path& model, const std::filesystem::path& trained,
                   const std::filesystem::path& out);

}  // namespace artemis

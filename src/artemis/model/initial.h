// Random models from their configuration alone, to be trained from nothing or to try the program with.
#pragma once

#include <filesystem>

#include "artemis/core/dtype.h"
#include "artemis/io/json.h"

namespace artemis {

// Writes to `out` a checkpoint with the weights that `config` describes: matrices normal with deviation
// `initializer_range` (0.02 by default), norm weights 1, biases 0, the projector as torch.nn.Linear starts. A
// `model_type` of qwen3_vl gives the tower alone. Side files (tokenizer, chat template) come from
// `side_directory` unless it is empty.
void initialise_model(const std::filesystem::path& config_file, const std::filesystem::path& side_directory,
                      const std::filesystem::path& out, std::uint64_t seed, DType dtype);

}  // namespace artemis

// A part of a graft as a model of its own.
#pragma once

#include <filesystem>

#include "artemis/model/weight_names.h"

namespace artemis {

// Writes to `out` the tower (a qwen3_vl checkpoint of the vision tower alone, its merger included) or the
// decoder (a text model, with the tokenizer's files) of the graft in `directory`, byte for byte: what
// assemble_graft would take it from. Throws Error for a directory that holds no graft, UsageError for the
// projector, which is no model.
void extract_part(const std::filesystem::path& directory, Part part, const std::filesystem::path& out);

}  // namespace artemis

// Low-rank adapters on the decoder (LoRA, Hu et al. 2021): y = W x + (alpha / rank) B A x, with W frozen.
// Adapters are kept as PEFT keeps them: adapter_config.json beside adapter_model.safetensors, where the
// tensors are named "base_model.model." + the linear map's name in the model + ".lora_A.weight", for instance
// base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight (without "language_model."
// for a bare decoder). Whole parts trained beside them (the projector, blocks of the tower) lie in the same
// file and are listed as modules_to_save.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "artemis/model/assemble.h"

namespace artemis {

// Gives every target in the decoder's blocks an adapter that changes nothing yet: A uniform within
// 1 / sqrt(in_features), as PEFT draws it, and B zero; in the model's dtype. Throws UsageError for a target
// that the decoder does not have, or for a rank or alpha out of range.
void add_lora(Context& ctx, Graft& model, GraftConfig& config, const LoraOptions& options,
              std::uint64_t seed);

// Adds every adapter's (alpha / rank) B A to its weight, in f32 with one rounding, and removes the adapters.
void merge_lora(Context& ctx, Graft& model, GraftConfig& config);

// Reads a PEFT adapter for this model, of ours or of others, with the modules saved beside it. Throws Error
// naming the file and what does not fit: another kind of adapter, a tensor too many, missing or of another
// shape.
void load_adapter(Context& ctx, const std::filesystem::path& directory, Graft& model, GraftConfig& config);

// Writes the directory, whole or not at all: the adapters among these tensors, and what else was trained,
// each under its name in the model. `base_model` says what they belong to. Throws Error for a part that an
// adapter cannot hold (the decoder's own weights).
void save_adapter(const std::filesystem::path& directory,
                  const std::vector<std::pair<WeightSpec, Tensor>>& trained, const LoraOptions& options,
                  const std::string& base_model);

// Writes to `out` the checkpoint of `model_directory` with the adapter merged, as save_trained() does.
SavedShards merge_adapter(Context& ctx, const std::filesystem::path& model_directory,
                          const std::filesystem::path& adapter_directory, const std::filesystem::path& out);

}  // namespace artemis

// Making checkpoints: the graft of a text decoder and a vision tower, and trained weights put back into one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artemis/io/checkpoint.h"
#include "artemis/model/weight_names.h"

namespace artemis {

struct AssembleOptions {
  std::int32_t image_token_id = 22;  // of <|image_pad|> in the decoder's tokenizer
  std::int32_t video_token_id = 23;  // of <|video_pad|>
  std::uint64_t seed = 42;           // of the projector
  std::optional<DType> dtype;  // of everything; by default decoder and tower keep theirs and the projector
                               // takes the decoder's
};

// Writes to `out` a checkpoint of the decoder in `text_directory` (Mistral or Llama class), the tower of the
// Qwen3-VL-type checkpoint in `vision_directory` and a fresh projector, with the decoder's tokenizer files.
// Throws Error naming the file and key that does not fit. Source:
// ArtemisVLMForConditionalGeneration.from_a2_and_vision.
GraftConfig assemble_graft(const std::filesystem::path& text_directory,
                           const std::filesystem::path& vision_directory, const std::filesystem::path& out,
                           const AssembleOptions& options);

// What became of the shards of a checkpoint, by their names.
struct SavedShards {
  std::vector<std::string> written;  // hold trained tensors
  std::vector<std::string> linked;   // the source's own files under a second name
  std::vector<std::string> copied;   // where linking failed
  std::string why_copied;            // the system's reason
};

// Writes to `out` the checkpoint of `source`, byte for byte but for the tensors in `trained` (name and
// values, converted to the dtype that the source stores), with its side files. Shards without any of these
// become hard links, or copies where links cannot be (another device).
SavedShards save_trained(Context& ctx, const std::filesystem::path& source_directory,
                         const CheckpointReader& source,
                         const std::vector<std::pair<WeightSpec, Tensor>>& trained,
                         const std::filesystem::path& out);

// The names of files beside the weights that belong to a model.
const std::vector<std::string>& side_files();

}  // namespace artemis

#include "artemis/model/extract.h"

#include "artemis/io/atomic_file.h"
#include "artemis/io/checkpoint.h"
#include "artemis/model/assemble.h"

namespace artemis {
namespace {

// The names of a part in a graft and in a model of its own.
struct Prefixes {
  std::string_view graft;
  std::string_view own;
};

Json part_json(const Json& graft, Part part) {
  if (part == Part::decoder) return graft.at("text_config");
  return {{"architectures", {"Qwen3VLForConditionalGeneration"}},
          {"model_type", "qwen3_vl"},
          {"vision_config", graft.at("vision_config")}};
}

}  // namespace

void extract_part(const std::filesystem::path& directory, Part part, const std::filesystem::path& out) {
  if (part == Part::projector)
    throw UsageError("part", "the projector is no model, expected tower or decoder");
  const GraftConfig config = read_graft_config(directory);
  require(config.vision.has_value(), directory.string(), "is a text model, expected a graft");
  const CheckpointReader graft = CheckpointReader::open(directory);
  const Prefixes prefixes =
      part == Part::tower ? Prefixes{"visual.", "model.visual."} : Prefixes{"language_model.", ""};
  std::vector<NamedTensor> tensors;
  for (const std::string& name : graft.names()) {
    if (!name.starts_with(prefixes.graft)) continue;
    const SafetensorsEntry& entry = graft.entry(name);
    tensors.push_back({std::string(prefixes.own) + name.substr(prefixes.graft.size()),
                       std::string(entry.dtype_name()), entry.shape(), entry.bytes()});
  }
  StagedDirectory staged(out);
  write_checkpoint(staged.path(), tensors);
  write_file_atomically(staged.path() / "config.json", part_json(config.source, part).dump(2) + "\n");
  if (part == Part::decoder) copy_side_files(directory, staged.path(), side_files());
  staged.commit();
}

}  // namespace artemis

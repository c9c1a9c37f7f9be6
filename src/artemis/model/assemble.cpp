#include "artemis/model/assemble.h"

#include <algorithm>

#include "artemis/io/atomic_file.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/projector.h"

namespace artemis {
namespace {

constexpr std::string_view vision_prefix = "model.visual.";

// Tensors on their way to a checkpoint, with the memory of those that were made or converted.
class Collection {
 public:
  // As it is stored, or converted when a dtype is asked for and the tensor holds real numbers.
  void add_stored(const std::string& name, const SafetensorsEntry& entry, const CheckpointReader& from,
                  std::optional<DType> dtype) {
    const bool real =
        entry.dtype_name() == "F32" || entry.dtype_name() == "BF16" || entry.dtype_name() == "F16";
    if (dtype && real && entry.dtype_name() != stored_dtype_name(*dtype)) {
      add(name, from.tensor(entry.name()), *dtype);
    } else {
      tensors_.push_back({name, std::string(entry.dtype_name()), entry.shape(), entry.bytes()});
    }
  }

  void add(const std::string& name, const Tensor& tensor, DType dtype) {
    Tensor kept = tensor;
    if (tensor.dtype() != dtype) {
      kept = Tensor::allocate(dtype, tensor.shape());
      convert(ctx_, kept, tensor);
    }
    owned_.push_back(kept);
    tensors_.push_back(named(name, kept));
  }

  std::span<const NamedTensor> tensors() const { return tensors_; }

 private:
  Context ctx_{Device{}, 1};
  std::vector<Tensor> owned_;
  std::vector<NamedTensor> tensors_;
};

// The keys that the reference writes.
Json graft_json(const Json& text, const Json& vision, DType dtype, const AssembleOptions& options) {
  const char* dtype_word = dtype == DType::bf16 ? "bfloat16" : dtype == DType::f16 ? "float16" : "float32";
  return {{"architectures", {"ArtemisVLMForConditionalGeneration"}},
          {"dtype", dtype_word},
          {"image_token_id", options.image_token_id},
          {"model_type", "artemis_vlm"},
          {"projector_hidden_act", "gelu"},
          {"text_config", text},
          {"video_token_id", options.video_token_id},
          {"vision_config", vision}};
}

Json read_vision_config(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "config.json";
  const Json json = read_json(file);
  const auto model_type = json_get<std::string>(json, "model_type", file.string());
  require(model_type == "qwen3_vl" && json.contains("vision_config"), file.string(),
          "model_type '{}' has no vision tower that artemis knows, expected qwen3_vl with a vision_config",
          model_type);
  return json["vision_config"];
}

DType stored_dtype(const CheckpointReader& checkpoint, const std::string& name) {
  const DType dtype = checkpoint.tensor(name).dtype();
  require(is_floating(dtype), checkpoint.where(), "tensor '{}' is {}, expected a floating dtype", name,
          dtype_name(dtype));
  return dtype;
}

void add_tower(Collection& collection, const CheckpointReader& vision, std::optional<DType> dtype) {
  for (const std::string& name : vision.names()) {
    if (!name.starts_with(vision_prefix)) continue;
    collection.add_stored("visual." + name.substr(vision_prefix.size()), vision.entry(name), vision, dtype);
  }
}

// Every weight that the config asks for is there, in its shape.
void check_complete(const GraftConfig& config, std::span<const NamedTensor> tensors,
                    const std::filesystem::path& text_directory,
                    const std::filesystem::path& vision_directory) {
  std::unordered_map<std::string, const NamedTensor*> by_name;
  for (const NamedTensor& tensor : tensors) by_name[tensor.name] = &tensor;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    const std::string where = (spec.part == Part::tower ? vision_directory : text_directory).string();
    const auto found = by_name.find(spec.name);
    require(found != by_name.end(), where, "the tensor for '{}' is missing", spec.name);
    const Shape shape{std::span<const std::int64_t>(found->second->shape)};
    require(shape == spec.shape, where, "the tensor for '{}' has shape {}, config.json asks for {}",
            spec.name, shape.to_string(), spec.shape.to_string());
  });
}

void write_shard(const std::filesystem::path& file, const SafetensorsFile& shard,
                 const std::unordered_map<std::string, Tensor>& replaced) {
  std::vector<NamedTensor> tensors;
  for (const std::string& name : shard.names()) {
    const SafetensorsEntry& entry = shard.entry(name);
    const auto found = replaced.find(name);
    tensors.push_back(found != replaced.end()
                          ? named(name, found->second)
                          : NamedTensor{name, std::string(entry.dtype_name()), entry.shape(), entry.bytes()});
  }
  write_safetensors(file, tensors, shard.metadata());
}

// The file itself under a second name in the folder; a link is followed to what it names.
void link_shard(SavedShards& saved, const std::filesystem::path& file,
                const std::filesystem::path& directory) {
  const std::string name = file.filename().string();
  std::error_code error;
  std::filesystem::create_hard_link(std::filesystem::canonical(file), directory / name, error);
  if (!error) {
    saved.linked.push_back(name);
    return;
  }
  saved.why_copied = error.message();
  std::filesystem::copy_file(file, directory / name, error);
  require(!error, (directory / name).string(), "cannot be written: {}", error.message());
  saved.copied.push_back(name);
}

}  // namespace

const std::vector<std::string>& side_files() {
  static const std::vector<std::string> names = {"tokenizer.json",
                                                 "tokenizer_config.json",
                                                 "special_tokens_map.json",
                                                 "added_tokens.json",
                                                 "vocab.json",
                                                 "merges.txt",
                                                 "tokenizer.model",
                                                 "chat_template.jinja",
                                                 "chat_template.json",
                                                 "generation_config.json",
                                                 "preprocessor_config.json",
                                                 "processor_config.json"};
  return names;
}

GraftConfig assemble_graft(const std::filesystem::path& text_directory,
                           const std::filesystem::path& vision_directory, const std::filesystem::path& out,
                           const AssembleOptions& options) {
  const GraftConfig text_config = read_graft_config(text_directory);
  require(!text_config.vision, text_directory.string(), "is a graft already, expected a text model");
  const CheckpointReader text = CheckpointReader::open(text_directory);
  const CheckpointReader vision = CheckpointReader::open(vision_directory);
  const DType projector_dtype = options.dtype.value_or(stored_dtype(text, "model.norm.weight"));
  GraftConfig config = parse_graft_config(
      graft_json(text_config.source, read_vision_config(vision_directory), projector_dtype, options),
      "graft");

  Collection collection;
  for (const std::string& name : text.names()) {
    collection.add_stored("language_model." + name, text.entry(name), text, options.dtype);
  }
  Random random(options.seed);
  const Mlp projector = initial_projector(config.vision->out_hidden_size, config.text.hidden_size, random);
  for (const auto& [name, linear] : {std::pair{"fc1", &projector.fc1}, std::pair{"fc2", &projector.fc2}}) {
    collection.add(fmt::format("multi_modal_projector.{}.weight", name), linear->weight, projector_dtype);
    collection.add(fmt::format("multi_modal_projector.{}.bias", name), linear->bias, projector_dtype);
  }
  add_tower(collection, vision, options.dtype);
  check_complete(config, collection.tensors(), text_directory, vision_directory);

  StagedDirectory staged(out);
  write_checkpoint(staged.path(), collection.tensors());
  write_file_atomically(staged.path() / "config.json", config.source.dump(2) + "\n");
  copy_side_files(text_directory, staged.path(), side_files());
  staged.commit();
  return config;
}

SavedShards save_trained(Context& ctx, const std::filesystem::path& source_directory,
                         const CheckpointReader& source,
                         const std::vector<std::pair<WeightSpec, Tensor>>& trained,
                         const std::filesystem::path& out) {
  std::unordered_map<std::string, Tensor> replaced;
  for (const auto& [spec, values] : trained) {
    const Tensor stored = source.tensor(spec.name);
    require(stored.shape() == spec.shape, source.where(), "tensor '{}' has shape {}, the trained one has {}",
            spec.name, stored.shape().to_string(), spec.shape.to_string());
    const Tensor rounded = Tensor::allocate(stored.dtype(), spec.shape, ctx.device());
    convert(ctx, rounded, values.view(spec.shape));
    replaced[spec.name] = rounded.to(Device{});
  }
  StagedDirectory staged(out);
  SavedShards saved;
  for (const SafetensorsFile& shard : source.shards()) {
    const std::filesystem::path file = shard.where();
    const bool changed =
        std::ranges::any_of(shard.names(), [&](const auto& name) { return replaced.contains(name); });
    if (changed) {
      write_shard(staged.path() / file.filename(), shard, replaced);
      saved.written.push_back(file.filename().string());
    } else {
      link_shard(saved, file, staged.path());
    }
  }
  const std::vector<std::string> descriptions = {"config.json", checkpoint_index_file};
  copy_side_files(source_directory, staged.path(), descriptions);
  copy_side_files(source_directory, staged.path(), side_files());
  staged.commit();
  return saved;
}

}  // namespace artemis

#include "artemis/model/initial.h"

#include "artemis/io/atomic_file.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/assemble.h"
#include "artemis/model/projector.h"
#include "artemis/model/weight_names.h"

namespace artemis {
namespace {

// Norm weights are 1, biases 0, matrices normal.
Tensor initial_weight(const WeightSpec& spec, float deviation, Random& random) {
  Tensor values = Tensor::zeros(DType::f32, spec.shape);
  const bool bias = spec.name.ends_with(".bias");
  if (spec.shape.rank() == 1 && !bias) {
    std::ranges::fill(values.mutable_values<float>(), 1.0f);
  } else if (!bias) {
    for (float& value : values.mutable_values<float>()) value = random.normal() * deviation;
  }
  return values;
}

// What a model of this type holds of a graft, and under which names.
struct Layout {
  GraftConfig config;
  bool decoder = true;
  float deviation = 0.02f;
};

Layout read_layout(const Json& json, const std::string& where) {
  Layout layout;
  const auto model_type = json_get<std::string>(json, "model_type", where);
  const Json& holder = json.contains("vision_config") ? json["vision_config"] : json;
  layout.deviation = json_get_or<float>(json, "initializer_range", where,
                                        json_get_or<float>(holder, "initializer_range", where, 0.02f));
  if (model_type == "qwen3_vl") {
    require(json.contains("vision_config"), where, "key 'vision_config' is missing, expected an object");
    layout.config.vision = parse_vision_config(json["vision_config"], where);
    layout.config.text.hidden_size = 1;  // no decoder: its weights are left out below
    layout.decoder = false;
  } else {
    layout.config = parse_graft_config(json, where);
  }
  require(!layout.config.vision || layout.config.vision->deepstack_visual_indexes.empty(), where,
          "deepstack_visual_indexes asks for DeepStack mergers, which artemis does not make: expected []");
  return layout;
}

}  // namespace

void initialise_model(const std::filesystem::path& config_file, const std::filesystem::path& side_directory,
                      const std::filesystem::path& out, std::uint64_t seed, DType dtype) {
  const Json json = read_json(config_file);
  const Layout layout = read_layout(json, config_file.string());
  Context ctx(Device{}, 1);
  Random random(seed);
  std::vector<std::pair<std::string, Tensor>> weights;
  const auto keep = [&](const std::string& name, const Tensor& values) {
    Tensor stored = Tensor::allocate(dtype, values.shape());
    convert(ctx, stored, values);
    weights.emplace_back(name, stored);
  };
  Graft model;
  for_each_weight(model, layout.config, [&](const WeightSpec& spec, Tensor&) {
    if (layout.decoder && spec.part != Part::projector)
      keep(spec.name, initial_weight(spec, layout.deviation, random));
    if (!layout.decoder && spec.part == Part::tower) {
      keep("model." + spec.name, initial_weight(spec, layout.deviation, random));
    }
  });
  if (layout.decoder && layout.config.vision) {
    const Mlp projector =
        initial_projector(layout.config.vision->out_hidden_size, layout.config.text.hidden_size, random);
    for (const auto& [name, linear] : {std::pair{"fc1", &projector.fc1}, std::pair{"fc2", &projector.fc2}}) {
      keep(fmt::format("multi_modal_projector.{}.weight", name), linear->weight);
      keep(fmt::format("multi_modal_projector.{}.bias", name), linear->bias);
    }
  }
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : weights) tensors.push_back(named(name, tensor));
  StagedDirectory staged(out);
  write_checkpoint(staged.path(), tensors);
  write_file_atomically(staged.path() / "config.json", json.dump(2) + "\n");
  if (!side_directory.empty()) copy_side_files(side_directory, staged.path(), side_files());
  staged.commit();
}

}  // namespace artemis

#include "artemis/model/lora.h"

#include <cmath>
#include <set>

#include "artemis/core/random.h"
#include "artemis/io/atomic_file.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

constexpr const char* config_file = "adapter_config.json";
constexpr const char* weights_file = "adapter_model.safetensors";
constexpr std::string_view peft_prefix = "base_model.model.";
constexpr std::string_view suffix_a = ".lora_A.weight";
constexpr std::string_view suffix_b = ".lora_B.weight";

float scale_of(const LoraOptions& options) {
  return static_cast<float>(options.alpha / static_cast<double>(options.rank));
}

// What is wrong with the options; empty when nothing is.
std::string fault_in(const LoraOptions& options) {
  const std::vector<std::string> known = LoraOptions{}.target_modules;
  for (const std::string& target : options.target_modules) {
    if (std::ranges::find(known, target) == known.end()) {
      return fmt::format("target_modules names '{}', expected some of {}", target, fmt::join(known, ", "));
    }
  }
  if (options.target_modules.empty()) return "target_modules is empty, expected linear maps of the decoder";
  if (options.rank < 1 || options.rank > 65536)
    return fmt::format("rank is {}, expected 1 to 65536", options.rank);
  if (!(options.alpha > 0) || !std::isfinite(options.alpha)) {
    return fmt::format("alpha is {}, expected a positive number", options.alpha);
  }
  return "";
}

// The values on the context's device in a dtype.
Tensor converted(Context& ctx, const Tensor& values, DType dtype) {
  const Tensor here = values.to(ctx.device());
  if (here.dtype() == dtype) return here;
  const Tensor other = Tensor::allocate(dtype, here.shape(), ctx.device());
  convert(ctx, other, here);
  return other;
}

// weight + scale B A, in the weight's dtype.
Tensor merged(Context& ctx, const Tensor& weight, const Linear& adapter) {
  const Tensor sum = Tensor::allocate(DType::f32, weight.shape(), ctx.device());
  const Tensor change = Tensor::allocate(DType::f32, weight.shape(), ctx.device());
  convert(ctx, sum, weight);
  linear_backward_input(ctx, change, converted(ctx, adapter.lora_b, DType::f32),
                        converted(ctx, adapter.lora_a, DType::f32), false);
  multiply(ctx, change, adapter.lora_scale);
  add(ctx, sum, sum, change);
  return converted(ctx, sum, weight.dtype());
}

// Calls visit(base, a, b) for every adapter, where base is the weight that it belongs to.
void for_each_adapter(
    Graft& model, const GraftConfig& config,
    const std::function<void(const WeightSpec& base, Tensor& weight, Tensor& a, Tensor& b)>& visit) {
  std::unordered_map<std::string, std::pair<WeightSpec, Tensor*>> seen;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    seen.insert_or_assign(spec.name, std::pair{spec, &weight});
    if (!spec.name.ends_with(suffix_b)) return;
    const std::string path = spec.name.substr(0, spec.name.size() - suffix_b.size());
    const auto& [base, base_weight] = seen.at(path + ".weight");
    visit(base, *base_weight, *seen.at(path + std::string(suffix_a)).second, weight);
  });
}

void refuse_unless(const Json& json, const char* key, const Json& expected, const std::string& where) {
  if (!json.contains(key) || json[key].is_null() || json[key] == expected) return;
  fail(where, "{} is {}, expected {}: artemis knows plain LoRA alone", key, json[key].dump(),
       expected.dump());
}

LoraOptions read_options(const std::filesystem::path& directory) {
  const std::string where = (directory / config_file).string();
  const Json json = read_json(where);
  const auto type = json_get<std::string>(json, "peft_type", where);
  require(type == "LORA", where, "peft_type is '{}', expected 'LORA'", type);
  for (const char* key : {"use_dora", "use_rslora", "fan_in_fan_out", "lora_bias"})
    refuse_unless(json, key, false, where);
  for (const char* key : {"rank_pattern", "alpha_pattern"}) refuse_unless(json, key, Json::object(), where);
  for (const char* key : {"layers_to_transform", "trainable_token_indices"})
    refuse_unless(json, key, nullptr, where);
  refuse_unless(json, "bias", "none", where);
  LoraOptions options{.rank = json_get<std::int64_t>(json, "r", where),
                      .alpha = json_get<double>(json, "lora_alpha", where),
                      .target_modules = {}};
  const Json targets = json_get<Json>(json, "target_modules", where);
  for (const Json& target : targets) {
    require(targets.is_array() && target.is_string(), where, "target_modules is {}, expected a list of names",
            targets.dump());
    options.target_modules.push_back(target.get<std::string>());
  }
  const std::string fault = fault_in(options);
  require(fault.empty(), where, "{}", fault);
  return options;
}

// The module of a whole weight that is saved beside adapters.
std::string module_of(const WeightSpec& spec, const std::string& where) {
  require(spec.part == Part::projector || spec.part == Part::tower, where,
          "'{}' is trained, expected adapters, the projector and the tower alone", spec.name);
  if (spec.part == Part::projector) return "multi_modal_projector";
  return spec.block >= 0 ? fmt::format("visual.blocks.{}", spec.block) : "visual";
}

Json adapter_json(const LoraOptions& options, const std::set<std::string>& modules,
                  const std::string& base_model) {
  const bool whole = options.alpha == std::floor(options.alpha);
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base_model},
          {"r", options.rank},
          {"lora_alpha", whole ? Json(static_cast<std::int64_t>(options.alpha)) : Json(options.alpha)},
          {"lora_dropout", 0.0},
          {"target_modules", options.target_modules},
          {"modules_to_save", modules.empty() ? Json() : Json(modules)},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true}};
}

}  // namespace

void add_lora(Context& ctx, Graft& model, GraftConfig& config, const LoraOptions& options,
              std::uint64_t seed) {
  const std::string fault = fault_in(options);
  if (!fault.empty()) throw UsageError("lora", fault);
  config.lora = options;
  const DType dtype = model.language_model.embed_tokens.dtype();
  Random random(seed);
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    if (spec.part != Part::adapter) return;
    const Tensor values = Tensor::zeros(DType::f32, spec.shape);
    if (spec.name.ends_with(suffix_a)) {
      const float bound = 1.0f / std::sqrt(static_cast<float>(spec.shape[1]));
      for (float& value : values.mutable_values<float>()) value = (2.0f * random.uniform() - 1.0f) * bound;
    }
    weight = converted(ctx, values, dtype);
  });
}

void merge_lora(Context& ctx, Graft& model, GraftConfig& config) {
  ARTEMIS_ASSERT(config.lora.has_value());
  const float scale = scale_of(*config.lora);
  for_each_adapter(model, config, [&](const WeightSpec&, Tensor& weight, Tensor& a, Tensor& b) {
    weight = merged(ctx, weight, {.lora_a = a, .lora_b = b, .lora_scale = scale});
    a = Tensor();
    b = Tensor();
  });
  config.lora.reset();
}

void load_adapter(Context& ctx, const std::filesystem::path& directory, Graft& model, GraftConfig& config) {
  GraftConfig adapted = config;
  Graft loaded = model;
  adapted.lora = read_options(directory);
  const SafetensorsFile file = SafetensorsFile::open(directory / weights_file);
  const std::string where = (directory / weights_file).string();
  const DType dtype = model.language_model.embed_tokens.dtype();
  std::set<std::string> unknown(file.names().begin(), file.names().end());
  for_each_weight(loaded, adapted, [&](const WeightSpec& spec, Tensor& weight) {
    const std::string name = std::string(peft_prefix) + spec.name;
    if (spec.part != Part::adapter && !file.contains(name)) return;
    const Tensor stored = file.tensor(name);
    require(stored.shape() == spec.shape && is_floating(stored.dtype()), where,
            "tensor '{}' is {} of shape {}, expected numbers of {}", name, dtype_name(stored.dtype()),
            stored.shape().to_string(), spec.shape.to_string());
    weight = converted(ctx, stored.view(held_shape(spec.shape)), dtype);
    unknown.erase(name);
  });
  require(unknown.empty(), where, "tensor '{}' has no place in the model", *unknown.begin());
  model = loaded;
  config = adapted;
}

void save_adapter(const std::filesystem::path& directory,
                  const std::vector<std::pair<WeightSpec, Tensor>>& trained, const LoraOptions& options,
                  const std::string& base_model) {
  std::vector<Tensor> kept;
  std::vector<NamedTensor> tensors;
  std::set<std::string> modules;
  for (const auto& [spec, values] : trained) {
    kept.push_back(values.to(Device{}).view(spec.shape));
    tensors.push_back(named(std::string(peft_prefix) + spec.name, kept.back()));
    if (spec.part != Part::adapter) modules.insert(module_of(spec, directory.string()));
  }
  if (modules.contains("visual"))
    std::erase_if(modules, [](const std::string& name) { return name.starts_with("visual."); });
  StagedDirectory staged(directory);
  write_safetensors(staged.path() / weights_file, tensors, {{"format", "pt"}});
  write_file_atomically(staged.path() / config_file,
                        adapter_json(options, modules, base_model).dump(2) + "\n");
  staged.commit();
}

SavedShards merge_adapter(Context& ctx, const std::filesystem::path& model_directory,
                          const std::filesystem::path& adapter_directory, const std::filesystem::path& out) {
  GraftConfig config = read_graft_config(model_directory);
  const CheckpointReader checkpoint = CheckpointReader::open(model_directory);
  Graft adapted;  // what the adapter holds, in f32, and nothing else
  load_adapter(ctx, adapter_directory, adapted, config);
  std::vector<std::pair<WeightSpec, Tensor>> trained;
  for_each_weight(adapted, config, [&](const WeightSpec& spec, Tensor& weight) {
    if (weight && spec.part != Part::adapter) trained.emplace_back(spec, weight);
  });
  const float scale = scale_of(*config.lora);
  for_each_adapter(adapted, config, [&](const WeightSpec& spec, Tensor&, Tensor& a, Tensor& b) {
    const Tensor weight = checkpoint.tensor(spec.name).to(ctx.device());
    trained.emplace_back(spec, merged(ctx, weight, {.lora_a = a, .lora_b = b, .lora_scale = scale}));
  });
  return save_trained(ctx, model_directory, checkpoint, trained, out);
}

}  // namespace artemis

#include "artemis/model/weight_names.h"

#include <algorithm>

namespace artemis {
namespace {

// Walks the weights below one prefix.
class Walker {
 public:
  using Visit = std::function<void(const WeightSpec&, Tensor&)>;

  Walker(const Visit& visit, Part part, std::string prefix)
      : visit_(visit), part_(part), prefix_(std::move(prefix)) {}

  void enter_block(std::int64_t block, std::string prefix) {
    block_ = block;
    block_prefix_ = std::move(prefix);
  }
  void leave_block() { enter_block(-1, ""); }
  // Linear maps from here on have the adapters asked for.
  void set_lora(const std::optional<LoraOptions>& lora) { lora_ = lora; }

  void tensor(const std::string& name, Tensor& weight, const Shape& shape) const {
    visit_(WeightSpec{prefix_ + block_prefix_ + name, shape, part_, block_}, weight);
  }
  void linear(const std::string& name, Linear& linear, std::int64_t out, std::int64_t in, bool bias) const {
    tensor(name + ".weight", linear.weight, {out, in});
    if (bias) tensor(name + ".bias", linear.bias, {out});
    if (lora_ && targets(*lora_, name)) adapter(name, linear, out, in);
  }
  void layer_norm(const std::string& name, LayerNorm& norm, std::int64_t size) const {
    tensor(name + ".weight", norm.weight, {size});
    tensor(name + ".bias", norm.bias, {size});
  }

 private:
  static bool targets(const LoraOptions& lora, const std::string& name) {
    return std::ranges::find(lora.target_modules, name.substr(name.rfind('.') + 1)) !=
           lora.target_modules.end();
  }
  void adapter(const std::string& name, Linear& linear, std::int64_t out, std::int64_t in) const {
    linear.lora_scale = static_cast<float>(lora_->alpha / static_cast<double>(lora_->rank));
    const std::string path = prefix_ + block_prefix_ + name;
    visit_({path + ".lora_A.weight", {lora_->rank, in}, Part::adapter, block_}, linear.lora_a);
    visit_({path + ".lora_B.weight", {out, lora_->rank}, Part::adapter, block_}, linear.lora_b);
  }

  const Visit& visit_;
  Part part_;
  std::string prefix_;
  std::string block_prefix_;
  std::int64_t block_ = -1;
  std::optional<LoraOptions> lora_;
};

void walk_tower(Walker walker, VisionTower& tower, const VisionConfig& config) {
  const std::int64_t hidden = config.hidden_size;
  walker.tensor(
      "patch_embed.proj.weight", tower.patch_embed.weight,
      {hidden, config.in_channels, config.temporal_patch_size, config.patch_size, config.patch_size});
  walker.tensor("patch_embed.proj.bias", tower.patch_embed.bias, {hidden});
  walker.tensor("pos_embed.weight", tower.pos_embed, {config.num_position_embeddings, hidden});
  tower.blocks.resize(static_cast<std::size_t>(config.depth));
  for (std::int64_t i = 0; i < config.depth; ++i) {
    VisionBlock& block = tower.blocks[static_cast<std::size_t>(i)];
    walker.enter_block(i, fmt::format("blocks.{}.", i));
    walker.layer_norm("norm1", block.norm1, hidden);
    walker.layer_norm("norm2", block.norm2, hidden);
    walker.linear("attn.qkv", block.qkv, 3 * hidden, hidden, true);
    walker.linear("attn.proj", block.proj, hidden, hidden, true);
    walker.linear("mlp.linear_fc1", block.mlp.fc1, config.intermediate_size, hidden, true);
    walker.linear("mlp.linear_fc2", block.mlp.fc2, hidden, config.intermediate_size, true);
  }
  walker.leave_block();
  const std::int64_t grouped = hidden * config.merge_length();
  walker.layer_norm("merger.norm", tower.merger.norm, hidden);
  walker.linear("merger.linear_fc1", tower.merger.mlp.fc1, grouped, grouped, true);
  walker.linear("merger.linear_fc2", tower.merger.mlp.fc2, config.out_hidden_size, grouped, true);
}

void walk_decoder(Walker walker, Decoder& decoder, const TextConfig& config,
                  const std::optional<LoraOptions>& lora) {
  walker.set_lora(lora);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t q_width = config.num_attention_heads * config.head_dim;
  const std::int64_t kv_width = config.num_key_value_heads * config.head_dim;
  walker.tensor("model.embed_tokens.weight", decoder.embed_tokens, {config.vocab_size, hidden});
  decoder.blocks.resize(static_cast<std::size_t>(config.num_hidden_layers));
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    DecoderBlock& block = decoder.blocks[static_cast<std::size_t>(i)];
    walker.enter_block(i, fmt::format("model.layers.{}.", i));
    walker.tensor("input_layernorm.weight", block.input_layernorm.weight, {hidden});
    walker.linear("self_attn.q_proj", block.q_proj, q_width, hidden, config.attention_bias);
    walker.linear("self_attn.k_proj", block.k_proj, kv_width, hidden, config.attention_bias);
    walker.linear("self_attn.v_proj", block.v_proj, kv_width, hidden, config.attention_bias);
    walker.linear("self_attn.o_proj", block.o_proj, hidden, q_width, config.attention_bias);
    walker.tensor("post_attention_layernorm.weight", block.post_attention_layernorm.weight, {hidden});
    walker.linear("mlp.gate_proj", block.mlp.gate_proj, config.intermediate_size, hidden, config.mlp_bias);
    walker.linear("mlp.up_proj", block.mlp.up_proj, config.intermediate_size, hidden, config.mlp_bias);
    walker.linear("mlp.down_proj", block.mlp.down_proj, hidden, config.intermediate_size, config.mlp_bias);
  }
  walker.leave_block();
  walker.tensor("model.norm.weight", decoder.norm.weight, {hidden});
  if (config.tie_word_embeddings) {
    decoder.lm_head = decoder.embed_tokens;
  } else {
    walker.tensor("lm_head.weight", decoder.lm_head, {config.vocab_size, hidden});
  }
}

}  // namespace

void for_each_weight(Graft& model, const GraftConfig& config,
                     const std::function<void(const WeightSpec&, Tensor&)>& visit) {
  if (config.vision) {
    walk_tower(Walker(visit, Part::tower, "visual."), model.visual, *config.vision);
    const std::int64_t width = config.text.hidden_size;
    const Walker walker(visit, Part::projector, "multi_modal_projector.");
    walker.linear("fc1", model.multi_modal_projector.fc1, width, config.vision->out_hidden_size, true);
    walker.linear("fc2", model.multi_modal_projector.fc2, width, width, true);
  }
  walk_decoder(Walker(visit, Part::decoder, config.vision ? "language_model." : ""), model.language_model,
               config.text, config.lora);
}

bool is_trained(const WeightSpec& spec, const Trainable& trainable, const GraftConfig& config) {
  switch (spec.part) {
    case Part::projector:
      return trainable.projector;
    case Part::decoder:
      return trainable.decoder;
    case Part::adapter:
      return trainable.lora;
    case Part::tower:
      return trainable.tower ||
             (spec.block >= 0 && spec.block >= config.vision->depth - trainable.tower_blocks);
  }
  ARTEMIS_ASSERT(false);
}

Shape held_shape(const Shape& shape) {
  if (shape.rank() <= 2) return shape;
  return {shape[0], shape.count() / shape[0]};
}

Graft make_gradients(const GraftConfig& config, const Trainable& trainable, Device device) {
  Graft gradients;
  for_each_weight(gradients, config, [&](const WeightSpec& spec, Tensor& gradient) {
    if (!is_trained(spec, trainable, config)) return;
    gradient = Tensor::zeros(DType::f32, held_shape(spec.shape), device);
  });
  return gradients;
}

ParameterCounts count_parameters(const GraftConfig& config) {
  ParameterCounts counts;
  Graft model;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor&) {
    std::int64_t& part = spec.part == Part::tower       ? counts.tower
                         : spec.part == Part::projector ? counts.projector
                         : spec.part == Part::adapter   ? counts.adapter
                                                        : counts.decoder;
    part += spec.shape.count();
  });
  return counts;
}

}  // namespace artemis

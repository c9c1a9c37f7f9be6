#include "artemis/bench/preset.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "artemis/core/error.h"

namespace artemis::bench {
namespace {

GraftConfig common() {
  GraftConfig config;
  config.vision = VisionConfig{};
  config.vision->deepstack_visual_indexes.clear();
  config.text.max_position_embeddings = 8192;
  config.text.rope.theta = 1e6f;
  return config;
}

Preset small() {
  Preset preset{"small", common(), {}};
  VisionConfig& v = *preset.config.vision;
  v.depth = 4, v.hidden_size = 192, v.intermediate_size = 768, v.num_heads = 6, v.out_hidden_size = 192;
  TextConfig& t = preset.config.text;
  t.vocab_size = 8192, t.hidden_size = 256, t.intermediate_size = 704, t.num_hidden_layers = 4;
  t.num_attention_heads = 8, t.num_key_value_heads = 2, t.head_dim = 32;
  preset.lengths = {
      .side = 64, .prompt = 8, .caption = 16, .prefill = 128, .depth = 160, .decoded = 16, .pictures = 4};
  return preset;
}

Preset medium() {
  Preset preset{"medium", common(), {}};
  VisionConfig& v = *preset.config.vision;
  v.depth = 12, v.hidden_size = 512, v.intermediate_size = 2048, v.num_heads = 8, v.out_hidden_size = 1024;
  TextConfig& t = preset.config.text;
  t.vocab_size = 32768, t.hidden_size = 1024, t.intermediate_size = 2816, t.num_hidden_layers = 8;
  t.num_attention_heads = 16, t.num_key_value_heads = 4, t.head_dim = 64;
  return preset;
}

// A3-preview.
Preset a3() {
  Preset preset{"a3", common(), {}};
  VisionConfig& v = *preset.config.vision;
  v.depth = 24, v.hidden_size = 1024, v.intermediate_size = 4096, v.num_heads = 16, v.out_hidden_size = 2048;
  TextConfig& t = preset.config.text;
  t.max_position_embeddings = 131072;
  t.vocab_size = 131072, t.hidden_size = 5120, t.intermediate_size = 14336, t.num_hidden_layers = 40;
  t.num_attention_heads = 32, t.num_key_value_heads = 8, t.head_dim = 128;
  return preset;
}

}  // namespace

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names = {"small", "medium", "a3"};
  return names;
}

Preset find_preset(const std::string& name) {
  for (Preset (*make)() : {small, medium, a3}) {
    Preset preset = make();
    if (preset.name == name) return preset;
  }
  throw UsageError(
      "preset", fmt::format("'{}' is not known, expected one of {}", name, fmt::join(preset_names(), ", ")));
}

}  // namespace artemis::bench

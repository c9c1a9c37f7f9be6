// The configuration of a graft and its parts, as config.json holds it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/kernels/activation.h"
#include "artemis/nn/rotary_table.h"

namespace artemis {

// Qwen3-VL's vision tower (Qwen3VLVisionConfig).
struct VisionConfig {
  std::int64_t depth = 27;
  std::int64_t hidden_size = 1152;
  std::int64_t intermediate_size = 4304;
  std::int64_t num_heads = 16;
  std::int64_t in_channels = 3;
  std::int64_t patch_size = 16;
  std::int64_t temporal_patch_size = 2;
  std::int64_t spatial_merge_size = 2;
  std::int64_t num_position_embeddings = 2304;
  std::int64_t out_hidden_size = 3584;
  std::vector<std::int64_t> deepstack_visual_indexes = {8, 16, 24};
  Activation hidden_act = Activation::gelu_tanh;
  float rope_theta = 10000.0f;

  std::int64_t head_dim() const { return hidden_size / num_heads; }
  // Columns of pixel_values: one patch of all channels and frames.
  std::int64_t patch_width() const { return in_channels * temporal_patch_size * patch_size * patch_size; }
  // Patches in one merged token.
  std::int64_t merge_length() const { return spatial_merge_size * spatial_merge_size; }
};

// A Mistral- or Llama-class decoder (MistralConfig, LlamaConfig).
struct TextConfig {
  std::string model_type = "mistral";
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  std::int64_t sliding_window = 0;  // 0: none
  float rms_norm_eps = 1e-6f;
  Activation hidden_act = Activation::silu;
  bool tie_word_embeddings = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  RopeConfig rope;
};

// Low-rank adapters on linear maps of the decoder's blocks (LoraConfig of PEFT).
struct LoraOptions {
  std::int64_t rank = 16;
  double alpha = 32;  // the adapter's product is scaled by alpha / rank
  std::vector<std::string> target_modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                             "gate_proj", "up_proj", "down_proj"};
};

// A graft, or a bare decoder when `vision` is absent.
struct GraftConfig {
  std::optional<VisionConfig> vision{};
  TextConfig text{};
  std::optional<LoraOptions> lora{};  // never in config.json: add_lora() and load_adapter() set it
  std::int32_t image_token_id = 22;
  std::int32_t video_token_id = 23;
  Activation projector_act = Activation::gelu_erf;
  Json source;  // config.json as it was read, written back unchanged
};

// Throw Error with `where` and the key for a value that is absent, of a wrong type, out of range or not
// supported.
VisionConfig parse_vision_config(const Json& json, std::string_view where);
TextConfig parse_text_config(const Json& json, std::string_view where);
// `model_type` artemis_vlm gives a graft; mistral and llama a bare decoder.
GraftConfig parse_graft_config(Json json, std::string_view where);
GraftConfig read_graft_config(const std::filesystem::path& model_directory);

// "gelu", "gelu_pytorch_tanh", "silu", ... as ACT2FN names them.
Activation parse_activation(std::string_view name, std::string_view where);

}  // namespace artemis

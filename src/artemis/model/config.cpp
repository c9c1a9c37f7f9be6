#include "artemis/model/config.h"

#include <cmath>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::int64_t largest_extent = std::int64_t{1} << 31;

std::int64_t positive(const Json& json, std::string_view key, std::string_view where,
                      std::int64_t fallback = 0) {
  const auto value = fallback == 0 ? json_get<std::int64_t>(json, key, where)
                                   : json_get_or<std::int64_t>(json, key, where, fallback);
  require(value > 0 && value < largest_extent, where, "key '{}' is {}, expected 1 to {}", key, value,
          largest_extent - 1);
  return value;
}

float positive_float(const Json& json, std::string_view key, std::string_view where, float fallback) {
  const auto value = json_get_or<float>(json, key, where, fallback);
  require(std::isfinite(value) && value > 0.0f, where, "key '{}' is {}, expected a positive number", key,
          value);
  return value;
}

// The attention factor of YaRN: given, or from mscale, or 0.1 ln(factor) + 1 (Peng et al. 2023).
float yarn_attention_factor(const Json& rope, std::string_view where, float factor) {
  if (rope.contains("attention_factor") && !rope["attention_factor"].is_null()) {
    return json_get<float>(rope, "attention_factor", where);
  }
  const auto scale = [factor](float mscale) {
    return factor <= 1.0f ? 1.0f : 0.1f * mscale * std::log(factor) + 1.0f;
  };
  const auto mscale = json_get_or<float>(rope, "mscale", where, 0.0f);
  const auto mscale_all_dim = json_get_or<float>(rope, "mscale_all_dim", where, 0.0f);
  return mscale != 0.0f && mscale_all_dim != 0.0f ? scale(mscale) / scale(mscale_all_dim) : scale(1.0f);
}

// transformers 5 writes `rope_parameters`; before that `rope_scaling` stood beside `rope_theta`, and it still
// wins.
RopeConfig parse_rope(const Json& json, std::string_view where, std::int64_t max_position_embeddings) {
  RopeConfig config;
  config.theta = positive_float(json, "rope_theta", where, 10000.0f);
  Json rope = Json::object();
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (json.contains(key) && json[key].is_object() && !json[key].empty()) rope = json[key];
  }
  config.theta = positive_float(rope, "rope_theta", where, config.theta);
  config.partial_factor = positive_float(rope, "partial_rotary_factor", where, 1.0f);
  require(config.partial_factor <= 1.0f, where, "partial_rotary_factor is {}, expected at most 1",
          config.partial_factor);
  const auto type = json_get_or<std::string>(rope, "rope_type", where,
                                             json_get_or<std::string>(rope, "type", where, "default"));
  if (type == "default") return config;
  config.factor = positive_float(rope, "factor", where, 1.0f);
  config.original_max_position = positive_float(rope, "original_max_position_embeddings", where,
                                                static_cast<float>(max_position_embeddings));
  if (type == "linear") {
    config.scaling = RopeConfig::Scaling::linear;
  } else if (type == "llama3") {
    config.scaling = RopeConfig::Scaling::llama3;
    config.low_freq_factor = positive_float(rope, "low_freq_factor", where, 1.0f);
    config.high_freq_factor = positive_float(rope, "high_freq_factor", where, 4.0f);
    require(config.high_freq_factor > config.low_freq_factor, where,
            "high_freq_factor {} is not over low_freq_factor {}", config.high_freq_factor,
            config.low_freq_factor);
  } else if (type == "yarn") {
    config.scaling = RopeConfig::Scaling::yarn;
    config.beta_fast = positive_float(rope, "beta_fast", where, 32.0f);
    config.beta_slow = positive_float(rope, "beta_slow", where, 1.0f);
    config.attention_factor = yarn_attention_factor(rope, where, config.factor);
  } else {
    fail(where, "rope_type '{}' is not supported, expected default, linear, llama3 or yarn", type);
  }
  return config;
}

std::int64_t parse_sliding_window(const Json& json, std::string_view where, std::string_view model_type) {
  // MistralConfig's default is 4096 when the key is absent; null means none. A Llama has no window.
  if (model_type != "mistral") return 0;
  if (!json.contains("sliding_window")) return 4096;
  if (json["sliding_window"].is_null()) return 0;
  return positive(json, "sliding_window", where);
}

}  // namespace

Activation parse_activation(std::string_view name, std::string_view where) {
  if (name == "gelu") return Activation::gelu_erf;
  if (name == "gelu_pytorch_tanh" || name == "gelu_new") return Activation::gelu_tanh;
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "relu") return Activation::relu;
  if (name == "quick_gelu") return Activation::quick_gelu;
  fail(where, "activation '{}' is not supported, expected gelu, gelu_pytorch_tanh, silu, relu or quick_gelu",
       name);
}

VisionConfig parse_vision_config(const Json& json, std::string_view where) {
  require(json.is_object(), where, "vision_config is {}, expected an object", json.type_name());
  VisionConfig config;
  config.depth = positive(json, "depth", where, config.depth);
  config.hidden_size = positive(json, "hidden_size", where, config.hidden_size);
  config.intermediate_size = positive(json, "intermediate_size", where, config.intermediate_size);
  config.num_heads = positive(json, "num_heads", where, config.num_heads);
  config.in_channels = positive(json, "in_channels", where, config.in_channels);
  config.patch_size = positive(json, "patch_size", where, config.patch_size);
  config.temporal_patch_size = positive(json, "temporal_patch_size", where, config.temporal_patch_size);
  config.spatial_merge_size = positive(json, "spatial_merge_size", where, config.spatial_merge_size);
  config.num_position_embeddings =
      positive(json, "num_position_embeddings", where, config.num_position_embeddings);
  config.out_hidden_size = positive(json, "out_hidden_size", where, config.out_hidden_size);
  config.hidden_act =
      parse_activation(json_get_or<std::string>(json, "hidden_act", where, "gelu_pytorch_tanh"), where);
  if (json.contains("rope_parameters") && json["rope_parameters"].is_object()) {
    config.rope_theta = positive_float(json["rope_parameters"], "rope_theta", where, config.rope_theta);
  }
  if (json.contains("deepstack_visual_indexes")) {
    config.deepstack_visual_indexes.clear();
    for (const Json& index : json["deepstack_visual_indexes"]) {
      require(index.is_number_integer(), where, "deepstack_visual_indexes holds {}, expected integers",
              index.type_name());
      config.deepstack_visual_indexes.push_back(index.get<std::int64_t>());
    }
  }
  require(config.hidden_size % config.num_heads == 0, where, "hidden_size {} is no multiple of num_heads {}",
          config.hidden_size, config.num_heads);
  require(config.head_dim() % 4 == 0, where,
          "head_dim {} of the tower is no multiple of 4, as 2-D rotary needs", config.head_dim());
  return config;
}

TextConfig parse_text_config(const Json& json, std::string_view where) {
  require(json.is_object(), where, "text_config is {}, expected an object", json.type_name());
  TextConfig config;
  config.model_type = json_get<std::string>(json, "model_type", where);
  require(config.model_type == "mistral" || config.model_type == "llama", where,
          "model_type '{}' is no decoder that artemis knows, expected mistral or llama", config.model_type);
  config.vocab_size = positive(json, "vocab_size", where);
  config.hidden_size = positive(json, "hidden_size", where);
  config.intermediate_size = positive(json, "intermediate_size", where);
  config.num_hidden_layers = positive(json, "num_hidden_layers", where);
  config.num_attention_heads = positive(json, "num_attention_heads", where);
  config.num_key_value_heads = positive(json, "num_key_value_heads", where,
                                        config.model_type == "mistral" ? 8 : config.num_attention_heads);
  config.head_dim = positive(json, "head_dim", where,
                             std::max<std::int64_t>(1, config.hidden_size / config.num_attention_heads));
  config.max_position_embeddings =
      positive(json, "max_position_embeddings", where, config.model_type == "mistral" ? 4096 * 32 : 2048);
  config.sliding_window = parse_sliding_window(json, where, config.model_type);
  config.rms_norm_eps = positive_float(json, "rms_norm_eps", where, 1e-6f);
  config.hidden_act = parse_activation(json_get_or<std::string>(json, "hidden_act", where, "silu"), where);
  config.tie_word_embeddings = json_get_or<bool>(json, "tie_word_embeddings", where, false);
  config.attention_bias =
      config.model_type == "llama" && json_get_or<bool>(json, "attention_bias", where, false);
  config.mlp_bias = config.model_type == "llama" && json_get_or<bool>(json, "mlp_bias", where, false);
  config.rope = parse_rope(json, where, config.max_position_embeddings);
  require(config.num_attention_heads % config.num_key_value_heads == 0, where,
          "num_attention_heads {} is no multiple of num_key_value_heads {}", config.num_attention_heads,
          config.num_key_value_heads);
  require(config.head_dim % 2 == 0, where, "head_dim {} is odd, rotary positions need pairs",
          config.head_dim);
  return config;
}

GraftConfig parse_graft_config(Json json, std::string_view where) {
  GraftConfig config;
  const auto model_type = json_get<std::string>(json, "model_type", where);
  if (model_type == "artemis_vlm") {
    require(json.contains("vision_config"), where, "key 'vision_config' is missing, expected an object");
    require(json.contains("text_config"), where, "key 'text_config' is missing, expected an object");
    config.vision = parse_vision_config(json["vision_config"], where);
    config.text = parse_text_config(json["text_config"], where);
    config.image_token_id = json_get_or<std::int32_t>(json, "image_token_id", where, 22);
    config.video_token_id = json_get_or<std::int32_t>(json, "video_token_id", where, 23);
    require(config.image_token_id >= 0 && config.image_token_id < config.text.vocab_size, where,
            "image_token_id {} is outside the vocabulary of {}", config.image_token_id,
            config.text.vocab_size);
    config.projector_act =
        parse_activation(json_get_or<std::string>(json, "projector_hidden_act", where, "gelu"), where);
  } else {
    config.text = parse_text_config(json, where);
  }
  config.source = std::move(json);
  return config;
}

GraftConfig read_graft_config(const std::filesystem::path& model_directory) {
  const std::filesystem::path file = model_directory / "config.json";
  return parse_graft_config(read_json(file), file.string());
}

}  // namespace artemis

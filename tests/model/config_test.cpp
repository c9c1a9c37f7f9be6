// Configurations: rotary frequencies against the reference, and values that are refused.
#include "artemis/model/config.h"

#include "support/golden.h"

namespace artemis {
namespace {

Json text_config() {
  return {{"model_type", "llama"},    {"vocab_size", 64},
          {"hidden_size", 64},        {"intermediate_size", 96},
          {"num_hidden_layers", 1},   {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"max_position_embeddings", 65536}};
}

Json graft_config() {
  return {{"model_type", "artemis_vlm"}, {"vision_config", Json::object()}, {"text_config", text_config()}};
}

TEST(Rope, FrequenciesAreTheReferences) {
  const Json rows = read_json(std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "rope" / "frequencies.json");
  ASSERT_GE(rows.size(), 20u);
  for (const Json& row : rows) {
    SCOPED_TRACE(row["rope_parameters"].dump());
    Json json = text_config();
    json["head_dim"] = row["head_dim"];
    json["rope_parameters"] = row["rope_parameters"];
    const TextConfig config = parse_text_config(json, "test");
    // powf of two libraries may differ in the last place, and the ramps multiply it.
    EXPECT_LE(golden::relative_difference(inverse_frequencies(config.rope, config.head_dim),
                                          row["inverse_frequencies"].get<std::vector<float>>()),
              1e-6);
    EXPECT_NEAR(config.rope.attention_factor, row["attention_factor"].get<float>(), 1e-6);
  }
}

TEST(Rope, ScalingOfOlderFilesWinsOverTheta) {
  Json json = text_config();
  json["rope_theta"] = 500000.0;
  json["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
  const TextConfig config = parse_text_config(json, "test");
  EXPECT_EQ(config.rope.theta, 500000.0f);
  EXPECT_EQ(config.rope.scaling, RopeConfig::Scaling::linear);
  EXPECT_EQ(config.rope.factor, 2.0f);
}

TEST(TextConfig, MistralsWindowIs4096WhenTheKeyIsAbsent) {
  Json json = text_config();
  json["model_type"] = "mistral";
  EXPECT_EQ(parse_text_config(json, "test").sliding_window, 4096);
  json["sliding_window"] = nullptr;
  EXPECT_EQ(parse_text_config(json, "test").sliding_window, 0);
  json["sliding_window"] = 12;
  EXPECT_EQ(parse_text_config(json, "test").sliding_window, 12);
}

TEST(GraftConfig, DefaultsAreTheReferences) {
  const GraftConfig config = parse_graft_config(graft_config(), "test");
  EXPECT_EQ(config.image_token_id, 22);
  EXPECT_EQ(config.video_token_id, 23);
  EXPECT_EQ(config.projector_act, Activation::gelu_erf);
  EXPECT_EQ(config.vision->depth, 27);
  EXPECT_EQ(config.vision->hidden_act, Activation::gelu_tanh);
  EXPECT_EQ(config.text.head_dim, 16);
}

// Each bad value is refused with the key in the message.
TEST(GraftConfig, RefusesBadValues) {
  struct Bad {
    const char* pointer;
    Json value;
    const char* expected;
  };
  const std::vector<Bad> cases = {
      {"/model_type", "gpt2", "model_type 'gpt2'"},
      {"/model_type", 3, "'model_type'"},
      {"/text_config/model_type", "qwen2", "model_type 'qwen2'"},
      {"/text_config/vocab_size", 0, "'vocab_size' is 0"},
      {"/text_config/vocab_size", "many", "'vocab_size'"},
      {"/text_config/hidden_size", -4, "'hidden_size' is -4"},
      {"/text_config/hidden_size", 1099511627776, "'hidden_size'"},
      {"/text_config/num_key_value_heads", 3, "num_attention_heads 4 is no multiple"},
      {"/text_config/head_dim", 15, "head_dim 15 is odd"},
      {"/text_config/hidden_act", "mish", "activation 'mish'"},
      {"/text_config/rms_norm_eps", 0, "'rms_norm_eps'"},
      {"/text_config/rope_parameters", {{"rope_type", "dynamic"}}, "rope_type 'dynamic'"},
      {"/text_config/rope_parameters",
       {{"rope_type", "llama3"}, {"low_freq_factor", 4.0}},
       "high_freq_factor"},
      {"/vision_config", 7, "vision_config"},
      {"/vision_config/num_heads", 7, "hidden_size 1152 is no multiple of num_heads 7"},
      {"/vision_config/num_heads", 64, "head_dim 18"},
      {"/vision_config/hidden_act", "mish", "activation 'mish'"},
      {"/image_token_id", 64, "image_token_id 64"},
      {"/projector_hidden_act", "mish", "activation 'mish'"},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(std::string(bad.pointer) + " = " + bad.value.dump());
    Json json = graft_config();
    json[Json::json_pointer(bad.pointer)] = bad.value;
    try {
      parse_graft_config(json, "config.json");
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(bad.expected), std::string::npos) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with("[config.json]")) << error.what();
    }
  }
}

}  // namespace
}  // namespace artemis

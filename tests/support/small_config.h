// A graft of odd, small sizes without weights.
#pragma once

#include "artemis/model/config.h"

namespace artemis::test {

inline GraftConfig small_config(std::int64_t vocab_size, std::int64_t hidden_size) {
  GraftConfig config;
  config.vision = VisionConfig{};
  VisionConfig& v = *config.vision;
  v.depth = 2, v.hidden_size = 24, v.intermediate_size = 40, v.num_heads = 4, v.out_hidden_size = 56;
  v.deepstack_visual_indexes.clear();
  TextConfig& t = config.text;
  t.vocab_size = vocab_size, t.hidden_size = hidden_size, t.intermediate_size = 96, t.num_hidden_layers = 2;
  t.num_attention_heads = 4, t.num_key_value_heads = 2, t.head_dim = 16;
  return config;
}

}  // namespace artemis::test

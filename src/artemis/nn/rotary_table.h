// The angles of rotary position embeddings: one-dimensional with the scalings of Hugging Face for the
// decoder, row and column for the tower.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "artemis/core/context.h"

namespace artemis {

// `rope_parameters` (or `rope_scaling` with `rope_theta`) of a text config.
struct RopeConfig {
  enum class Scaling : std::uint8_t { none, linear, llama3, yarn };

  Scaling scaling = Scaling::none;
  float theta = 10000.0f;
  float factor = 1.0f;
  float low_freq_factor = 1.0f;     // llama3
  float high_freq_factor = 4.0f;    // llama3
  float original_max_position = 0;  // llama3, yarn
  float beta_fast = 32.0f;          // yarn
  float beta_slow = 1.0f;           // yarn
  float attention_factor = 1.0f;    // on cos and sin (yarn)
  float partial_factor = 1.0f;      // the share of head_dim that turns
};

// Radians a position for each pair; size rotary_dim / 2, where rotary_dim = head_dim * partial_factor.
// Source: transformers modeling_rope_utils (default, linear, llama3, yarn).
std::vector<float> inverse_frequencies(const RopeConfig& config, std::int64_t head_dim);

struct RotaryTable {
  Tensor cos;  // (tokens, rotary_dim / 2) f32
  Tensor sin;  // (tokens, rotary_dim / 2) f32
};

// The decoder's, from positions (tokens, 1) i32 and inverse_frequencies() (rotary_dim / 2) f32: as
// rotary_angles(). Memory from the arena.
RotaryTable rotary_table(Context& ctx, const Tensor& positions, const Tensor& frequencies,
                         float attention_factor);

// The tower's: the first head_dim / 4 pairs turn by the patch's row, the others by its column.
// coordinates: (row, column) of each patch. Source: Qwen3VLVisionRotaryEmbedding.
RotaryTable rotary_table_2d(Context& ctx, std::span<const std::array<std::int32_t, 2>> coordinates,
                            std::int64_t head_dim, float theta);

}  // namespace artemis

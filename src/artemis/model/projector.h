// The two-layer MLP from the tower's width to the decoder's (ArtemisVLMProjector): fc2(f(fc1(x))).
#pragma once

#include "artemis/core/random.h"
#include "artemis/nn/mlp.h"

namespace artemis {

// PyTorch's default nn.Linear: weights and biases uniform within 1 / sqrt(in_features). f32; round to bf16
// with convert. vision_width -> text_width -> text_width.
Mlp initial_projector(std::int64_t vision_width, std::int64_t text_width, Random& random);

}  // namespace artemis

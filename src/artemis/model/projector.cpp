#include "artemis/model/projector.h"

#include <cmath>

namespace artemis {
namespace {

Tensor uniform(const Shape& shape, std::int64_t in_features, Random& random) {
  Tensor tensor = Tensor::allocate(DType::f32, shape);
  const float bound = 1.0f / std::sqrt(static_cast<float>(in_features));
  for (float& value : tensor.mutable_values<float>()) value = (2.0f * random.uniform() - 1.0f) * bound;
  return tensor;
}

Linear initial_linear(std::int64_t in_features, std::int64_t out_features, Random& random) {
  return {uniform({out_features, in_features}, in_features, random),
          uniform({out_features}, in_features, random)};
}

}  // namespace

Mlp initial_projector(std::int64_t vision_width, std::int64_t text_width, Random& random) {
  Mlp projector;
  projector.fc1 = initial_linear(vision_width, text_width, random);
  projector.fc2 = initial_linear(text_width, text_width, random);
  return projector;
}

}  // namespace artemis

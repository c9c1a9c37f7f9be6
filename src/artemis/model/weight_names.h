// The one table of weights: our structs, their Hugging Face names and their shapes. Reading, writing,
// gradients and the optimizer all walk it.
#pragma once

#include <functional>
#include <string>

#include "artemis/model/graft.h"

namespace artemis {

enum class Part : std::uint8_t { tower, projector, decoder, adapter };

struct WeightSpec {
  std::string name;  // in the checkpoint, "language_model.model.norm.weight"
  Shape shape;       // in the checkpoint; a rank over 2 is held as a matrix (first, product of the others)
  Part part;
  std::int64_t block;  // of the tower or decoder; -1 outside the blocks
};

// Calls visit for every weight of the model that the config describes, in checkpoint order: tower, projector,
// decoder, in it the adapters that the config asks for, each after its linear map. A tied head is not
// visited. The blocks of `model` are created where they are missing. DeepStack's mergers are not part of the
// model: they stay in the checkpoint.
void for_each_weight(Graft& model, const GraftConfig& config,
                     const std::function<void(const WeightSpec& spec, Tensor& weight)>& visit);

// Whether the weight is trained.
bool is_trained(const WeightSpec& spec, const Trainable& trainable, const GraftConfig& config);

// Zeros in f32 on the device for every trained weight (shaped as the weight is held), undefined for the
// others.
Graft make_gradients(const GraftConfig& config, const Trainable& trainable, Device device = {});

// The number of elements of each part, from the config alone.
struct ParameterCounts {
  std::int64_t tower = 0;
  std::int64_t projector = 0;
  std::int64_t decoder = 0;
  std::int64_t adapter = 0;
};
ParameterCounts count_parameters(const GraftConfig& config);

// The shape in which a checkpoint's weight is held.
Shape held_shape(const Shape& shape);

}  // namespace artemis

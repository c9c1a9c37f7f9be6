// What a training step takes of a device's memory, found by running it on the device without memory.
#pragma once

#include <optional>
#include <span>

#include "artemis/train/collate.h"
#include "artemis/train/optimizer.h"

namespace artemis {

// What the memory of one pass forward and backward depends on.
struct PassSize {
  std::int64_t sequences = 0;
  std::int64_t tokens = 0;
  std::int64_t supervised = 0;
  std::int64_t patches = 0;

  // Whether a pass of this size needs no more than one of the other.
  bool within(const PassSize& other) const {
    return sequences <= other.sequences && tokens <= other.tokens && supervised <= other.supervised &&
           patches <= other.patches;
  }
};

// Of several batches as one.
PassSize size_of(std::span<const Batch> batches);

// A batch of this size on `device` for planning and measuring: token ids 0 but for the image tokens, and
// pixels without values. Pictures may take at most the tokens there are, in whole merged groups.
Batch blank_batch(const GraftConfig& config, const PassSize& size, Device device);

// Bytes of activations at the most during a pass on a GPU, the kernels' own scratch included.
std::size_t pass_bytes(const GraftConfig& config, DType dtype, const Trainable& trainable,
                       const PassSize& size, Recompute recompute);

// Whether several micro-batches should be one pass, from what must be made again for them as one and for each
// by itself (none: does not fit): not where that makes more again.
bool worth_joining(std::optional<Recompute> together, std::span<const std::optional<Recompute>> apart);

struct TrainingMemory {
  std::size_t weights = 0;
  std::size_t optimizer = 0;  // gradients, moments, master weights
  std::size_t activations = 0;

  std::size_t total() const { return weights + optimizer + activations; }
  // The free bytes that a GPU must have: beside the arena there is room for caches and evaluations.
  std::size_t free_needed() const { return weights + optimizer + Arena::free_for(activations); }
};
TrainingMemory training_memory(const GraftConfig& config, DType dtype, const Trainable& trainable,
                               const OptimizerOptions& optimizer, const PassSize& size, Recompute recompute);

}  // namespace artemis

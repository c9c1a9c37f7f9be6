// What an engine takes of a device's memory.
#pragma once

#include "artemis/generate/engine.h"

namespace artemis {

// Bytes of logits, of the pictures that are kept and of one that is being computed.
std::size_t store_bytes(const GraftConfig& config, DType dtype, const EngineOptions& options);

// Bytes of activations at the most during a pass, the kernels' own scratch included, found by running one on
// the device without memory.
std::size_t step_bytes(const GraftConfig& config, DType dtype, const EngineOptions& options);

// The options with what is 0 of the cache and the store filled in: as much of the memory that is free now,
// behind the weights, as max_sequences conversations of the model's full context can use. Throws Error with
// the figures when what is asked for does not fit, or nothing useful does.
EngineOptions fit_engine(Device device, const GraftConfig& config, DType dtype, EngineOptions options);

}  // namespace artemis

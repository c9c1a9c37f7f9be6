// Options that several commands share, and what they lead to.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/core/context.h"
#include "artemis/generate/generator.h"
#include "artemis/io/checkpoint.h"
#include "artemis/model/graft.h"
#include "artemis/processor/processor.h"

namespace artemis {

struct RunOptions {
  int threads = 0;
  std::string device = "cpu";
  std::string dtype = "f32";
  bool batch_invariant = false;
};

// --threads, --device, --dtype and --batch-invariant.
void add_run_options(CLI::App& command, RunOptions& options);
// f32 or bf16; throws UsageError otherwise.
DType compute_dtype(const RunOptions& options);
std::unique_ptr<Context> make_context(const RunOptions& options);

struct PictureOptions {
  std::vector<std::string> files;
  std::int64_t min_pixels = 0;     // 0: as the model says
  std::int64_t max_pixels = 0;     // 0: as the model says
  std::int64_t decode_pixels = 0;  // 0: the decoder's own limit
};

// --image, --min-pixels, --max-pixels, --decode-pixels.
void add_picture_options(CLI::App& command, PictureOptions& options);
std::vector<PictureFile> read_images(const PictureOptions& options);
void apply(const PictureOptions& options, Processor& processor);

// A model directory opened for work.
struct LoadedModel {
  std::filesystem::path directory;
  GraftConfig config;
  Processor processor;
  CheckpointReader checkpoint;
  Graft graft;
};
// Without its weights: all that turns messages into tokens.
LoadedModel open_model(const std::string& directory);
// Loads them. Throws Error before that when a GPU has no room for them and for what generating is to take.
// With an adapter, when one is named: merged into the weights in memory.
void load_weights(Context& ctx, LoadedModel& model, DType dtype, const std::string& adapter,
                  const GenerationMemory& generation);
// Both, without generating.
LoadedModel load_model(Context& ctx, const std::string& directory, DType dtype,
                       const std::string& adapter = "");
// --adapter.
void add_adapter_option(CLI::App& command, std::string& adapter);

// A JSON file holding a list of messages.
Json read_messages(const std::string& file);

}  // namespace artemis

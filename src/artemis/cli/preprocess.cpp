#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/cli/tensor_file.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  std::string out;
  int threads = 0;
  PictureOptions pictures;
};

void run(const Options& options) {
  if (options.pictures.files.empty()) throw UsageError("preprocess", "expected at least one --image");
  const GraftConfig config = read_graft_config(options.model);
  Processor processor = Processor::load(options.model, config);
  apply(options.pictures, processor);
  ThreadPool pool(options.threads);
  const PictureBatch batch = processor.preprocess(read_images(options.pictures), pool);
  TensorFile file;
  file.add("pixel_values", batch.pixel_values);
  file.add("image_grid_thw", grid_tensor(batch));
  file.write(options.out);
  fmt::print("{:<40} {:>4} x {:<4} {:>8} {:>7}\n", "picture", "rows", "cols", "patches", "tokens");
  for (std::size_t i = 0; i < batch.grid_thw.size(); ++i) {
    const auto& [frames, rows, columns] = batch.grid_thw[i];
    const std::int64_t patches = frames * rows * columns;
    fmt::print("{:<40} {:>4} x {:<4} {:>8} {:>7}\n", options.pictures.files[i], rows, columns, patches,
               patches / config.vision->merge_length());
  }
}

}  // namespace

void add_preprocess_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("preprocess", "Pictures to the patches that the tower sees");
  command->add_option("--model", options->model, "Model directory")->required();
  add_picture_options(*command, options->pictures);
  command->add_option("--out", options->out, "Safetensors file to write: pixel_values, image_grid_thw")
      ->required();
  command->add_option("--threads", options->threads, "Threads (default: one a core)")
      ->check(CLI::Range(0, 1024));
  command->footer("Example:  artemis preprocess --model DIR --image photo.jpg --out patches.safetensors");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

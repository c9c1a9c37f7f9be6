#include "artemis/cli/merge.h"

#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/model/assemble.h"
#include "artemis/model/lora.h"
#include "artemis/train/run_checkpoint.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  std::string trained;
  std::string out;
};

void print_files(const char* what, const std::vector<std::string>& names) {
  if (!names.empty()) fmt::print("{:<8} {}\n", what, fmt::join(names, " "));
}

void print_shards(const SavedShards& saved) {
  print_files("written", saved.written);
  print_files("linked", saved.linked);
  print_files("copied", saved.copied);
  if (!saved.copied.empty()) fmt::print("copied, since links cannot be made: {}\n", saved.why_copied);
}

// The adapter that a run wrote, or the folder itself where it holds one; empty otherwise.
std::filesystem::path adapter_in(const std::filesystem::path& trained) {
  if (std::filesystem::is_directory(trained / adapter_folder)) return trained / adapter_folder;
  return std::filesystem::exists(trained / "adapter_config.json") ? trained : std::filesystem::path();
}

void run(const Options& options) {
  Context ctx(Device{}, 0);
  merge_trained(ctx, options.model, options.trained, options.out);
}

}  // namespace

void merge_trained(Context& ctx, const std::filesystem::path& model, const std::filesystem::path& trained,
                   const std::filesystem::path& out) {
  if (const auto adapter = adapter_in(trained); !adapter.empty()) {
    print_shards(merge_adapter(ctx, model, adapter, out));
    fmt::print("the adapters of {} merged in {}\n", adapter.string(), out.string());
    return;
  }
  const CheckpointReader source = CheckpointReader::open(model);
  const bool folder = std::filesystem::is_directory(trained);
  const SafetensorsFile file = SafetensorsFile::open(folder ? trained / trained_weights_file : trained);
  std::vector<std::pair<WeightSpec, Tensor>> tensors;
  for (const std::string& name : file.names()) {
    const Tensor tensor = file.tensor(name);
    tensors.emplace_back(
        WeightSpec{.name = name, .shape = tensor.shape(), .part = Part::projector, .block = -1},
        tensor.to(ctx.device()));
  }
  const SavedShards saved = save_trained(ctx, model, source, tensors, out);
  print_shards(saved);
  fmt::print("{} trained tensors in {}\n", tensors.size(), out.string());
}

void add_merge_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("merge", "A whole model from a graft and what a run trained");
  command->add_option("--model", options->model, "Model directory that the run started from")->required();
  command->add_option("--trained", options->trained, "Directory of the run, or one of its checkpoints")
      ->required();
  command->add_option("--out", options->out, "Directory to write; unchanged files become hard links")
      ->required();
  command->footer("Example:  artemis merge --model graft --trained run --out aligned");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

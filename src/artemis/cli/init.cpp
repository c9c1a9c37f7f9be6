#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/core/error.h"
#include "artemis/model/initial.h"

namespace artemis {
namespace {

struct Options {
  std::string config;
  std::string tokenizer;
  std::string out;
  std::string dtype = "bf16";
  std::uint64_t seed = 42;
};

void run(const Options& options) {
  const DType dtype = parse_dtype(options.dtype, "dtype");
  if (dtype != DType::f32 && dtype != DType::bf16) {
    throw UsageError("dtype", fmt::format("'{}' is not stored by init, expected f32 or bf16", options.dtype));
  }
  initialise_model(options.config, options.tokenizer, options.out, options.seed, dtype);
  fmt::print("written to {}\n", options.out);
}

}  // namespace

void add_init_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("init", "A random model from a configuration");
  command
      ->add_option("--config", options->config, "config.json of type mistral, llama, qwen3_vl or artemis_vlm")
      ->required();
  command->add_option("--tokenizer", options->tokenizer, "Directory whose tokenizer files are copied");
  command->add_option("--out", options->out, "Directory to write")->required();
  command->add_option("--seed", options->seed, "Of the weights")->capture_default_str();
  command->add_option("--dtype", options->dtype, "f32 or bf16")->capture_default_str();
  command->footer("Example:  artemis init --config config.json --tokenizer A2 --out random --seed 1");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

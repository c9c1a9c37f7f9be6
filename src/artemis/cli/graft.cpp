#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/model_name.h"
#include "artemis/cli/options.h"
#include "artemis/model/assemble.h"

namespace artemis {
namespace {

struct Options {
  std::string text;
  std::string vision;
  std::string out;
  std::string dtype;
  std::uint64_t seed = 42;
};

std::optional<DType> stored_dtype(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const DType dtype = parse_dtype(name, "dtype");
  if (dtype != DType::f32 && dtype != DType::bf16) {
    throw UsageError("dtype", fmt::format("'{}' is not stored by graft, expected f32 or bf16", name));
  }
  return dtype;
}

// The id of a token that the decoder's tokenizer must have.
std::int32_t token_id(const Tokenizer& tokenizer, const std::string& directory, const char* token) {
  const auto id = tokenizer.token_to_id(token);
  require(id.has_value(), directory, "the tokenizer has no '{}', which stands where a picture goes", token);
  return *id;
}

void run(const Options& options) {
  const Tokenizer tokenizer = Tokenizer::load(options.text);
  const GraftConfig config =
      assemble_graft(options.text, options.vision, options.out,
                     {.image_token_id = token_id(tokenizer, options.text, "<|image_pad|>"),
                      .video_token_id = token_id(tokenizer, options.text, "<|video_pad|>"),
                      .seed = options.seed,
                      .dtype = stored_dtype(options.dtype)});
  const ParameterCounts counts = count_parameters(config);
  const auto millions = [](std::int64_t count) { return static_cast<double>(count) / 1e6; };
  fmt::print("{:<24} {:>12} {}\n", "part", "parameters", "from");
  fmt::print("{:<24} {:>10.2f} M {}\n", "visual", millions(counts.tower), options.vision);
  fmt::print("{:<24} {:>10.2f} M fresh, seed {}\n", "multi_modal_projector", millions(counts.projector),
             options.seed);
  fmt::print("{:<24} {:>10.2f} M {}\n", "language_model", millions(counts.decoder), options.text);
  fmt::print("written to {}\n", options.out);
}

}  // namespace

void add_graft_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("graft", "Join a text decoder and a vision tower by a fresh projector");
  command->add_option("--text", options->text, "Directory of a Mistral- or Llama-class model")
      ->transform(model_directory)
      ->required();
  command->add_option("--vision", options->vision, "Directory of a Qwen3-VL-type model")
      ->transform(model_directory)
      ->required();
  command->add_option("--out", options->out, "Directory to write")->required();
  command->add_option("--seed", options->seed, "Of the projector")->capture_default_str();
  command->add_option("--dtype", options->dtype, "Store all weights as f32 or bf16 (default: as they are)");
  command->footer("Example:  artemis graft --text A2 --vision Qwen3-VL-2B --out A3");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

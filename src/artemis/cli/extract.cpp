#include "artemis/model/extract.h"

#include <fmt/format.h>

#include <memory>

#include "artemis/cli/commands.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  std::string part;
  std::string out;
};

void run(const Options& options) {
  extract_part(options.model, options.part == "tower" ? Part::tower : Part::decoder, options.out);
  fmt::print("the {} of {} is in {}\n", options.part, options.model, options.out);
}

}  // namespace

void add_extract_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("extract", "Take the tower or the decoder out of a graft");
  command->add_option("--model", options->model, "Directory of a graft")->required();
  command->add_option("--part", options->part, "tower or decoder")
      ->check(CLI::IsMember({"tower", "decoder"}))
      ->required();
  command->add_option("--out", options->out, "Directory to write")->required();
  command->footer("Example:  artemis extract --model donor --part tower --out nano-tower");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

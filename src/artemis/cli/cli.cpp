// Other files take App.hpp alone: the bodies of CLI11's formatter and configuration are compiled here, once.
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>

#include "artemis/cli/commands.h"
#include "artemis/cli/model_name.h"
#include "artemis/cli/stderr.h"
#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr int failure = 1;
constexpr int bad_usage = 2;

int report(const std::exception& error, int code) {
  print_stderr("artemis: {}\n", error.what());
  return code;
}

// Wherever a command takes a model, the name of one that comes with the program will do.
void accept_model_names(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands({})) {
    for (const char* name : {"--model", "--bare"}) {
      if (CLI::Option* option = command->get_option_no_throw(name)) option->transform(model_directory);
    }
  }
}

}  // namespace

int run_cli(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow, likewise
  CLI::App app("Eyes for a text language model: graft, align, caption.", "artemis");
  app.set_version_flag("--version", ARTEMIS_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:  artemis generate --model DIR --image photo.jpg --prompt \"What is this?\"\n"
      "'artemis COMMAND --help' shows a command's options and an example.");
  add_init_command(app);
  add_graft_command(app);
  add_extract_command(app);
  add_inspect_command(app);
  add_align_command(app);
  add_tune_command(app);
  add_merge_command(app);
  add_generate_command(app);
  add_chat_command(app);
  add_serve_command(app);
  add_eval_command(app);
  add_tokenizer_command(app);
  add_tokenize_command(app);
  add_template_command(app);
  add_preprocess_command(app);
  add_forward_command(app);
  add_report_command(app);
  add_scenes_command(app);
  add_corpus_command(app);
  add_bench_command(app);
  accept_model_names(app);
  try {
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0) fail("stdout", "the output could not be written");
    return 0;
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return bad_usage;
  } catch (const UsageError& error) {
    return report(error, bad_usage);
  } catch (const std::bad_alloc&) {
    print_stderr("artemis: [memory] not enough memory\n");
    return failure;
  } catch (const std::exception& error) {
    return report(error, failure);
  }
}

}  // namespace artemis

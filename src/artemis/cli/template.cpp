#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

struct Options {
  std::string model;
  std::string template_file;
  std::string messages;
  std::string tools;
  std::string bos;
  std::string eos;
  bool no_thinking = false;
  bool no_generation_prompt = false;
};

void run(const Options& options) {
  if (options.model.empty() == options.template_file.empty()) {
    throw UsageError("template", "expected either --model or --template");
  }
  const ChatTemplate chat_template =
      options.model.empty() ? ChatTemplate::from_source(read_file(options.template_file),
                                                        options.template_file, options.bos, options.eos)
                            : ChatTemplate::load(options.model);
  const Json messages = read_messages(options.messages);
  const Json tools = options.tools.empty() ? Json() : read_json(options.tools);
  ChatOptions chat;
  chat.add_generation_prompt = !options.no_generation_prompt;
  if (options.no_thinking) chat.enable_thinking = false;
  if (!options.tools.empty()) chat.tools = &tools;
  fmt::print("{}", chat_template.render(messages, chat));
}

}  // namespace

void add_template_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("template", "Messages rendered by the chat template");
  command->add_option("--model", options->model, "Model directory");
  command->add_option("--template", options->template_file, "A template file in place of the model's");
  command->add_option("--messages", options->messages, "JSON file with a list of messages")->required();
  command->add_option("--tools", options->tools, "JSON file with a list of tools");
  command->add_option("--bos", options->bos, "bos_token for --template");
  command->add_option("--eos", options->eos, "eos_token for --template");
  command->add_flag("--no-thinking", options->no_thinking, "Render with enable_thinking=false");
  command->add_flag("--no-generation-prompt", options->no_generation_prompt, "End after the last message");
  command->footer("Example:  artemis template --model DIR --messages chat.json");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

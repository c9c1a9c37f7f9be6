#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "artemis/cli/commands.h"
#include "artemis/cli/conversation.h"
#include "artemis/cli/interrupt.h"
#include "artemis/io/atomic_file.h"
#include "artemis/train/run_config.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::string adapter;
  PictureOptions pictures;
  AnswerOptions answer;
};

constexpr std::string_view help =
    "/image FILE   attach a picture to the next message; several may be\n"
    "/system TEXT  set the system message (none: without one) and start over\n"
    "/save FILE    write the messages as JSON\n"
    "/clear        forget what was said; the system message stays\n"
    "/help         this list\n"
    "/quit         end; so does the end of the input\n"
    "Ctrl-C stops an answer, and keeps what was said.\n";

// The conversation as someone at a terminal, or a pipe, leads it, line by line.
class Chat {
 public:
  explicit Chat(Conversation& conversation) : conversation_(conversation) {}

  // One line: a message, or a command. Errors are shown, and the chat goes on. False to end.
  bool take(const std::string& line) {
    try {
      if (line.starts_with('/')) return command(line);
      if (!line.empty()) say(line);
    } catch (const Error& error) {
      fmt::print(stderr, "artemis: {}\n", error.what());
    }
    return true;
  }

 private:
  void say(const std::string& text) {
    const InterruptGuard guard(std::array{SIGINT}, "");
    try {
      const GenerateResult result = conversation_.say(text, stream_text, guard.asked());
      stream_text("\n");
      if (result.finish_reason == "cancelled") fmt::print(stderr, "(stopped)\n");
      if (result.finish_reason == "length") {
        fmt::print(stderr, "(cut at {} tokens; --max-new-tokens allows more)\n", result.ids.size());
      }
    } catch (const Error& error) {
      fmt::print(stderr, "artemis: {}; the message is taken back\n", error.what());
    }
  }

  bool command(const std::string& line) {
    const std::size_t space = std::min(line.find_first_of(" \t"), line.size());
    const std::string name = line.substr(0, space);
    const std::string rest = line.substr(std::min(line.find_first_not_of(" \t", space), line.size()));
    if (name == "/quit") return false;
    if (name == "/help") {
      fmt::print(stderr, "{}", help);
    } else if (name == "/image") {
      require(!rest.empty(), name, "expected a picture file");
      conversation_.attach(rest);
    } else if (name == "/system") {
      conversation_.set_system(rest);
    } else if (name == "/save") {
      require(!rest.empty(), name, "expected a file to write");
      save(rest);
    } else if (name == "/clear") {
      conversation_.clear();
    } else {
      fail("chat", "there is no command '{}', did you mean '{}'? /help lists all", name,
           nearest_name(name, {"/image", "/system", "/save", "/clear", "/help", "/quit"}));
    }
    return true;
  }

  void save(const std::string& file) const {
    require(!conversation_.messages().empty(), "/save", "nothing was said yet");
    write_file_atomically(file, conversation_.messages().dump(2) + "\n");
    fmt::print(stderr, "{} messages in {}\n", conversation_.messages().size(), file);
  }

  Conversation& conversation_;
};

// The next line without the white space at its end; false at the end of the input.
bool read_line(bool prompted, std::string& line) {
  if (prompted) fmt::print(stderr, "> ");
  if (!std::getline(std::cin, line)) {
    if (prompted) fmt::print(stderr, "\n");
    return false;
  }
  line.resize(line.find_last_not_of(" \t\r") + 1);  // npos + 1 is 0
  return true;
}

void run(const Options& options) {
  const auto ctx = make_context(options.run);
  LoadedModel model = open_model(options.model);
  apply(options.pictures, model.processor);
  model.processor.chat_template();  // refuses a model without one at once
  load_weights(*ctx, model, compute_dtype(options.run), options.adapter, options.answer.max_new_tokens);
  Conversation conversation(*ctx, model, options.answer);
  for (const std::string& file : options.pictures.files) conversation.attach(file);
  Chat chat(conversation);
  const bool prompted = isatty(STDIN_FILENO) != 0;
  if (prompted) fmt::print(stderr, "/image FILE attaches a picture, /help lists all commands, /quit ends\n");
  for (std::string line; read_line(prompted, line) && chat.take(line);) {
  }
}

}  // namespace

void add_chat_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("chat", "Lead a conversation in the terminal, or on a pipe");
  command->add_option("--model", options->model, "Model directory")->required();
  add_adapter_option(*command, options->adapter);
  add_picture_options(*command, options->pictures);
  add_answer_options(*command, options->answer);
  add_run_options(*command, options->run);
  command->footer("Each line of the input is a message, or one of these commands:\n" + std::string(help) +
                  "Example:  artemis chat --model DIR --image photo.jpg");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

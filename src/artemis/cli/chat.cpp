#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>

#include "artemis/cli/commands.h"
#include "artemis/cli/conversation.h"
#include "artemis/cli/history_file.h"
#include "artemis/cli/inline_picture.h"
#include "artemis/cli/interrupt.h"
#include "artemis/cli/line_editor.h"
#include "artemis/cli/stderr.h"
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
  bool no_history = false;
  std::string show_pictures = "auto";
};

const std::map<std::string, PictureProtocol> protocols{{"none", PictureProtocol::none},
                                                       {"kitty", PictureProtocol::kitty},
                                                       {"iterm", PictureProtocol::iterm},
                                                       {"sixel", PictureProtocol::sixel}};

const std::vector<Command> commands{{"/image", true}, {"/system"}, {"/again"}, {"/save", true},
                                    {"/load", true},  {"/clear"},  {"/help"},  {"/quit"}};

constexpr std::string_view help =
    "/image FILE   attach a picture to the next message; several may be\n"
    "/system TEXT  set the system message (none: without one) and start over\n"
    "/again        answer the last message anew\n"
    "/save FILE    write the messages as JSON\n"
    "/load FILE    go on from messages that were saved\n"
    "/clear        forget what was said; the system message stays\n"
    "/help         this list\n"
    "/quit         end; so does the end of the input\n"
    "\"\"\"           begins and ends a message of several lines\n"
    "Ctrl-C stops an answer, and keeps what was said.\n";
constexpr std::string_view several_lines = "\"\"\"";

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

// How pictures are shown: as asked for, or as the terminal at stdin and stderr can; asked when the first one
// comes. What was typed meanwhile goes to the editor.
class PictureScreen {
 public:
  PictureScreen(const std::string& wish, LineEditor* editor) : wish_(wish), editor_(editor) {}

  void show(const PictureFile& picture) {
    if (!is_terminal(STDERR_FILENO)) return;
    if (!protocol_) {
      const TerminalAnswer answer =
          wish_ == "auto" ? ask_terminal() : TerminalAnswer{protocols.at(wish_), ""};
      protocol_ = answer.protocol;
      if (editor_ != nullptr) editor_->push(answer.typed);
    }
    show_picture(picture.bytes, picture.name, *protocol_);
  }

 private:
  std::string wish_;
  LineEditor* editor_;
  std::optional<PictureProtocol> protocol_;
};

// Shows an answer: the thought on stderr, dim where that is a terminal, and the content on stdout.
class AnswerPrinter {
 public:
  void operator()(const ReasoningPiece& piece) {
    if (!piece.reasoning.empty()) {
      if (!thinking_ && dims_) print_stderr("\033[2m");
      thinking_ = true;
      print_stderr("{}", piece.reasoning);
      std::fflush(stderr);
    }
    if (!piece.content.empty()) {
      end_thought("\n\n");
      stream_text(piece.content);
    }
  }
  // Afterwards the next line begins.
  void end() {
    end_thought("\n");
    stream_text("\n");
  }

 private:
  void end_thought(const char* gap) {
    if (!thinking_) return;
    print_stderr("{}{}", dims_ ? "\033[22m" : "", gap);
    thinking_ = false;
  }

  bool thinking_ = false;
  const bool dims_ = is_terminal(STDERR_FILENO) && std::getenv("NO_COLOR") == nullptr;
};

// The conversation as someone at a terminal, or a pipe, leads it, line by line.
class Chat {
 public:
  Chat(Conversation& conversation, PictureScreen& screen) : conversation_(conversation), screen_(screen) {}

  // One line: a message or a part of one, or a command. Errors are shown, and the chat goes on. False to end.
  bool take(const std::string& line) {
    try {
      if (lines_ || line.starts_with(several_lines)) {
        take_part(line);
      } else if (line.starts_with('/')) {
        return command(line);
      } else if (!line.empty()) {
        say(line);
      }
    } catch (const std::exception& error) {
      print_stderr("artemis: {}\n", error.what());
    }
    return true;
  }

  std::string prompt() const { return lines_ ? ". " : "> "; }

  void attach(const std::string& file) {
    const PictureFile picture{read_file(file), file};
    conversation_.attach(picture);
    screen_.show(picture);
  }

 private:
  // A line of a message of several lines.
  void take_part(std::string line) {
    if (!lines_) {
      lines_ = "";
      line.erase(0, several_lines.size());
    } else {
      *lines_ += '\n';
    }
    const bool ends = line.ends_with(several_lines);
    if (ends) line.resize(line.size() - several_lines.size());
    *lines_ += line;
    if (!ends) return;
    const std::string text = std::exchange(lines_, {}).value();
    const std::size_t begin = text.find_first_not_of('\n');
    if (begin != text.npos) say(text.substr(begin, text.find_last_not_of('\n') + 1 - begin));
  }

  void say(const std::string& text) {
    answer([&](const AnswerCallback& show,
               const std::atomic<bool>& stop) { return conversation_.say(text, show, stop); },
           "; the message is taken back");
  }

  // Shows the answer that `ask` gives; `fault_note` says what a fault has led to.
  template <typename Ask>
  void answer(const Ask& ask, const char* fault_note) {
    const InterruptGuard guard(std::array{SIGINT}, "");
    AnswerPrinter printer;
    try {
      const GenerateResult result = ask(std::ref(printer), guard.asked());
      printer.end();
      if (result.finish_reason == "cancelled") print_stderr("(stopped)\n");
      if (result.finish_reason == "length") {
        print_stderr("(cut at {} tokens; --max-new-tokens allows more)\n", result.ids.size());
      }
    } catch (const Error& error) {
      print_stderr("artemis: {}{}\n", error.what(), fault_note);
    }
  }

  bool command(const std::string& line) {
    const std::size_t space = std::min(line.find_first_of(" \t"), line.size());
    const std::string name = line.substr(0, space);
    const std::string rest = line.substr(std::min(line.find_first_not_of(" \t", space), line.size()));
    if (name == "/quit") return false;
    if (name == "/help") {
      print_stderr("{}", help);
    } else if (name == "/image") {
      require(!rest.empty(), name, "expected a picture file");
      attach(rest);
    } else if (name == "/system") {
      conversation_.set_system(rest);
    } else if (name == "/again") {
      answer([&](const AnswerCallback& show,
                 const std::atomic<bool>& stop) { return conversation_.answer_again(show, stop); },
             "");
    } else if (name == "/save") {
      require(!rest.empty(), name, "expected a file to write");
      save(rest);
    } else if (name == "/load") {
      require(!rest.empty(), name, "expected a file of messages");
      conversation_.load(read_json(rest));
      print_stderr("{} messages from {}\n", conversation_.messages().size(), rest);
    } else if (name == "/clear") {
      conversation_.clear();
    } else {
      std::vector<std::string> names;
      for (const Command& each : commands) names.push_back(each.name);
      fail("chat", "there is no command '{}', did you mean '{}'? /help lists all", name,
           nearest_name(name, names));
    }
    return true;
  }

  void save(const std::string& file) const {
    require(!conversation_.messages().empty(), "/save", "nothing was said yet");
    write_file_atomically(file, conversation_.messages().dump(2) + "\n");
    print_stderr("{} messages in {}\n", conversation_.messages().size(), file);
  }

  Conversation& conversation_;
  PictureScreen& screen_;
  std::optional<std::string> lines_;  // of a message of several lines, so far
};

// Lines typed at a terminal, with those of earlier sessions.
class Typed {
 public:
  explicit Typed(bool with_history) : editor_(commands) {
    if (!with_history) return;
    if (const auto file = default_history_file()) history_.emplace(*file);
    guarded([this](const HistoryFile& history) {
      for (const std::string& line : history.lines()) editor_.remember(line);
    });
  }

  std::optional<std::string> read(const std::string& prompt) {
    auto line = editor_.read(prompt);
    if (!line || line->empty()) return line;
    editor_.remember(*line);
    guarded([&](const HistoryFile& history) { history.add(*line); });
    return line;
  }

  LineEditor& editor() { return editor_; }

 private:
  // A history that cannot be kept is said once, and the chat goes on without.
  template <typename Work>
  void guarded(const Work& work) {
    if (!history_) return;
    try {
      work(*history_);
    } catch (const Error& error) {
      print_stderr("artemis: {}; no history is kept\n", error.what());
      history_.reset();
    }
  }

  LineEditor editor_;
  std::optional<HistoryFile> history_;
};

std::optional<std::string> piped_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return {};
  return line;
}

void run(const Options& options) {
  const auto ctx = make_context(options.run);
  LoadedModel model = load_model(*ctx, options.model, compute_dtype(options.run), options.adapter);
  apply(options.pictures, model.processor);
  model.processor.chat_template();  // refuses a model without one at once
  Conversation conversation(*ctx, model, options.answer);
  std::optional<Typed> typed;
  if (is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO)) typed.emplace(!options.no_history);
  PictureScreen screen(options.show_pictures, typed ? &typed->editor() : nullptr);
  Chat chat(conversation, screen);
  for (const std::string& file : options.pictures.files) chat.attach(file);
  if (typed) print_stderr("/image FILE attaches a picture, /help lists all commands, /quit ends\n");
  while (auto line = typed ? typed->read(chat.prompt()) : piped_line()) {
    line->resize(line->find_last_not_of(" \t\r") + 1);  // npos + 1 is 0
    if (!chat.take(*line)) break;
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
  command->add_flag("--no-history", options->no_history,
                    "Neither read nor keep the lines typed at a terminal");
  command
      ->add_option(
          "--show-pictures", options->show_pictures,
          "How a terminal shows the pictures attached: auto (as it can), kitty, iterm, sixel or none")
      ->check(CLI::IsMember({"auto", "kitty", "iterm", "sixel", "none"}))
      ->capture_default_str();
  command->footer("Each line of the input is a message, or one of these commands:\n" + std::string(help) +
                  "Example:  artemis chat --model DIR --image photo.jpg");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

#include "artemis/cli/line_editor.h"

#include <histedit.h>
#include <locale.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "artemis/cli/history_file.h"
#include "artemis/core/error.h"

namespace artemis {
namespace {

// libedit counts characters and columns by the locale; ours is UTF-8 wherever the program runs.
class Utf8Locale {
 public:
  Utf8Locale() : ours_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (ours_ != nullptr) before_ = uselocale(ours_);
  }
  ~Utf8Locale() {
    if (ours_ == nullptr) return;
    uselocale(before_);
    freelocale(ours_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t ours_;
  locale_t before_ = nullptr;
};

// The names in the folder of a path typed so far that begin as its last part does, as they would be typed;
// folders with a stroke behind them.
std::vector<std::string> file_names(const std::string& typed) {
  const std::size_t stroke = typed.rfind('/');
  const std::string folder = typed.substr(0, stroke == typed.npos ? 0 : stroke + 1);
  const std::string begin = typed.substr(folder.size());
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder.empty() ? "." : folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(begin) || (name.starts_with('.') && begin.empty())) continue;
    names.push_back(folder + name + (entry.is_directory(error) ? "/" : ""));
  }
  return names;
}

// How far all go on in the same way behind the first `from` bytes, which all share; whole characters of
// UTF-8.
std::string common_rest(const std::vector<std::string>& names, std::size_t from) {
  if (names.empty()) return "";
  const std::string& first = names.front();
  std::size_t end = first.size();
  for (const std::string& name : names) {
    while (name.compare(from, end - from, first, from, end - from) != 0) --end;
  }
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(first[at]) & 0xC0) == 0x80;
  };
  while (end > from && end < first.size() && continues(end)) --end;
  return first.substr(from, end - from);
}

}  // namespace

std::string completion(std::string_view line, std::span<const Command> commands) {
  const std::size_t space = line.find(' ');
  std::vector<std::string> names;
  if (space == line.npos) {
    for (const Command& command : commands) {
      if (!line.empty() && command.name.starts_with(line))
        names.push_back(command.name + (command.takes_file ? " " : ""));
    }
    return common_rest(names, line.size());
  }
  const std::string_view name = line.substr(0, space);
  if (std::ranges::none_of(commands,
                           [&](const Command& each) { return each.name == name && each.takes_file; }))
    return "";
  const std::string typed(line.substr(std::min(line.find_first_not_of(' ', space), line.size())));
  return common_rest(file_names(typed), typed.size());
}

struct LineEditor::State {
  std::span<const Command> commands;
  std::string prompt;
  bool interrupted = false;
  EditLine* edit = nullptr;
  History* history = nullptr;
  HistEvent event{};
  void (*interrupt_before)(int) = SIG_DFL;

  static State& of(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* show_prompt(EditLine* edit) { return of(edit).prompt.data(); }
  static unsigned char complete(EditLine* edit, int) {
    const LineInfo* line = el_line(edit);
    const std::string_view before(line->buffer, static_cast<std::size_t>(line->cursor - line->buffer));
    const std::string added = completion(before, of(edit).commands);
    return added.empty() || el_insertstr(edit, added.c_str()) != 0 ? CC_REFRESH_BEEP : CC_REFRESH;
  }
  static unsigned char suspend(EditLine*, int) {
    std::raise(SIGTSTP);  // libedit catches it, and gives the terminal back meanwhile
    return CC_REFRESH;
  }
  static unsigned char interrupt(EditLine* edit, int) {
    of(edit).interrupted = true;
    return CC_EOF;
  }
};

LineEditor::LineEditor(std::span<const Command> commands) : state_(std::make_unique<State>()) {
  const Utf8Locale locale;
  State& state = *state_;
  state.commands = commands;
  state.history = history_init();
  state.edit = el_init("artemis", stdin, stderr, stderr);
  require(state.edit != nullptr && state.history != nullptr, "chat",
          "the terminal cannot be used for editing");
  state.interrupt_before = std::signal(SIGINT, SIG_IGN);
  history(state.history, &state.event, H_SETSIZE, static_cast<int>(HistoryFile::most_lines));
  history(state.history, &state.event, H_SETUNIQUE, 1);
  el_set(state.edit, EL_CLIENTDATA, &state);
  el_set(state.edit, EL_PROMPT, &State::show_prompt);
  el_set(state.edit, EL_HIST, ::history, state.history);
  el_set(state.edit, EL_EDITOR, "emacs");
  el_set(state.edit, EL_SIGNAL, 1);  // follows the window's size
  // By wide characters, because el_set makes copies of these names that it never frees.
  el_wset(state.edit, EL_ADDFN, L"artemis-complete", L"Complete a command or a file", &State::complete);
  el_wset(state.edit, EL_ADDFN, L"artemis-interrupt", L"Begin the line anew", &State::interrupt);
  el_wset(state.edit, EL_ADDFN, L"artemis-suspend", L"Stop the program for a while", &State::suspend);
  el_set(state.edit, EL_SETTY, "-d", "-isig", nullptr);  // Ctrl-C is a key like others while a line is edited
  constexpr const char* keys[][2] = {
      {"^I", "artemis-complete"},   {"^C", "artemis-interrupt"},       {"^Z", "artemis-suspend"},
      {"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"}, {"\\e[1;5C", "em-next-word"},
      {"\\e[1;5D", "ed-prev-word"}, {"\\e[H", "ed-move-to-beg"},       {"\\e[F", "ed-move-to-end"}};
  for (const auto& [key, action] : keys) el_set(state.edit, EL_BIND, key, action, nullptr);
  el_source(state.edit, nullptr);  // ~/.editrc
}

LineEditor::~LineEditor() {
  const Utf8Locale locale;
  std::signal(SIGINT, state_->interrupt_before);
  el_end(state_->edit);
  history_end(state_->history);
}

void LineEditor::remember(const std::string& line) {
  const Utf8Locale locale;
  history(state_->history, &state_->event, H_ENTER, line.c_str());
}

void LineEditor::push(const std::string& typed) {
  const Utf8Locale locale;
  if (!typed.empty()) el_push(state_->edit, typed.c_str());
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  const Utf8Locale locale;
  state_->prompt = prompt;
  for (;;) {
    state_->interrupted = false;
    int count = 0;
    const char* line = el_gets(state_->edit, &count);
    if (line != nullptr && count > 0) {
      std::string text(line);
      while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
      return text;
    }
    std::fputs(state_->interrupted ? "^C\n" : "\n", stderr);
    if (!state_->interrupted) return {};
  }
}

}  // namespace artemis

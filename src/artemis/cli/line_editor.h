// Lines that someone types at a terminal: editing, history, completion (libedit).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

// A word that a line may begin with.
struct Command {
  std::string name;
  bool takes_file = false;
};

// What Tab adds at the end of this line: the rest of a command, or of the name of a file behind one that
// takes it; as far as all that begin so go on in the same way. Empty when nothing does.
std::string completion(std::string_view line, std::span<const Command> commands);

// Reads from stdin and shows on stderr; both must be terminals. As long as it lives Ctrl-C ends nothing,
// unless someone catches it: one that comes a moment too late for an answer does not end the conversation.
class LineEditor {
 public:
  // `commands` must outlive it.
  explicit LineEditor(std::span<const Command> commands);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line to find again by the arrow keys and Ctrl-R.
  void remember(const std::string& line);
  // What was typed before the next read.
  void push(const std::string& typed);
  // The next line without its end; none at the end of the input (Ctrl-D). Ctrl-C begins the line anew.
  std::optional<std::string> read(const std::string& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace artemis

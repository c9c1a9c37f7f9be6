// The lines of earlier sessions, kept for their owner alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace artemis {

// artemis/chat_history in $XDG_STATE_HOME, or in ~/.local/state; none where there is no home.
std::optional<std::filesystem::path> default_history_file();

// One line each, the last ones; several sessions may write to the same file.
class HistoryFile {
 public:
  static constexpr std::size_t most_lines = 1000;

  explicit HistoryFile(std::filesystem::path file) : file_(std::move(file)) {}

  // Oldest first; none when there is no file yet. Throws Error when it cannot be read.
  std::vector<std::string> lines() const;
  // Adds a line, but not the last one again nor one that begins with a space. The file is then of mode 0600,
  // and there whole or as before; its folders are made. Throws Error when that cannot be done.
  void add(const std::string& line) const;

 private:
  std::filesystem::path file_;
};

}  // namespace artemis

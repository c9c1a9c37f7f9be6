#include "artemis/cli/history_file.h"

#include <cstdlib>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"

namespace artemis {

std::optional<std::filesystem::path> default_history_file() {
  const auto folder = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  std::filesystem::path state = folder("XDG_STATE_HOME");
  if (!state.is_absolute()) {  // the standard says to take no notice of others
    const std::filesystem::path home = folder("HOME");
    if (!home.is_absolute()) return {};
    state = home / ".local/state";
  }
  return state / "artemis/chat_history";
}

std::vector<std::string> HistoryFile::lines() const {
  std::error_code error;
  const bool there = std::filesystem::exists(file_, error);
  require(!error, file_.string(), "cannot be read: {}", error.message());
  if (!there) return {};
  std::vector<std::string> lines;
  std::string_view rest;
  const std::string text = read_file(file_);
  for (rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (lines.size() > most_lines) lines.erase(lines.begin(), lines.end() - most_lines);
  return lines;
}

void HistoryFile::add(const std::string& line) const {
  if (line.empty() || line.starts_with(' ')) return;
  std::vector<std::string> kept = lines();
  if (!kept.empty() && kept.back() == line) return;
  kept.push_back(line);
  if (kept.size() > most_lines) kept.erase(kept.begin());
  const std::filesystem::path folder = file_.parent_path();
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  require(!error, folder.string(), "cannot be made: {}", error.message());
  AtomicFile file(file_, Access::owner);
  for (const std::string& each : kept) file.append(each + "\n");
  file.commit(Durability::cached);
}

}  // namespace artemis

#include "artemis/cli/model_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::array<std::string_view, 3> shipped{"nano-vlm", "nano-text", "nano-tower"};

// Where the models may stand, the surest place first.
std::vector<std::filesystem::path> places() {
  std::vector<std::filesystem::path> folders;
  if (const char* given = std::getenv("ARTEMIS_MODELS")) folders.emplace_back(given);
  std::error_code fault;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", fault);
  if (!fault) {
    folders.push_back(program.parent_path() / "../lab/models");
    folders.push_back(program.parent_path() / "../share/artemis/models");
  }
  return folders;
}

}  // namespace

std::string model_directory(const std::string& name) {
  const std::string_view folder = name == "nano" ? shipped[0] : std::string_view(name);
  if (std::filesystem::exists(name) || std::ranges::find(shipped, folder) == shipped.end()) return name;
  std::string looked;
  for (const std::filesystem::path& place : places()) {
    const std::filesystem::path directory = (place / folder).lexically_normal();
    if (std::filesystem::exists(directory / "config.json")) return directory.string();
    looked += (looked.empty() ? "" : ", ") + directory.string();
  }
  throw UsageError("model", fmt::format("'{}' is neither a directory nor at {}", name, looked));
}

}  // namespace artemis

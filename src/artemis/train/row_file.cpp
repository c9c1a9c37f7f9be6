#include "artemis/train/row_file.h"

#include <algorithm>
#include <filesystem>

#include "artemis/io/byte_source.h"

namespace artemis {
namespace {

constexpr std::string_view known_kinds = ".tar, .tar.gz, .tgz, .jsonl or .parquet";

using Opener = std::unique_ptr<RowFile> (*)(const std::string&);

// Without what follows "?" in an address.
std::string_view path_of(std::string_view address) {
  return is_remote(std::string(address)) ? address.substr(0, address.find('?')) : address;
}

// How a file of this name is opened; null for none of ours.
Opener opener(std::string_view address) {
  const std::string_view path = path_of(address);
  if (path.ends_with(".tar") || path.ends_with(".tar.gz") || path.ends_with(".tgz")) return open_tar_rows;
  if (path.ends_with(".jsonl")) return open_jsonl_rows;
  if (path.ends_with(".parquet")) return open_parquet_rows;
  return nullptr;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (opener(entry.path().string()) != nullptr) files.push_back(entry.path().string());
  }
  require(!files.empty(), folder, "holds no {} file", known_kinds);
  std::ranges::sort(files);
  return files;
}

}  // namespace

void RowFile::skip_to(std::int64_t position) {
  while (position_ < position) {
    try {
      if (const std::optional<RowPlace> place = find_next()) forget(*place);
    } catch (const ReadError&) {
      throw;
    } catch (const Error&) {
      continue;
    }
  }
}

std::unique_ptr<RowFile> open_row_file(const std::string& address) {
  const Opener open = opener(address);
  require(open != nullptr, address, "is no data file, expected {}", known_kinds);
  return open(address);
}

std::vector<std::string> data_files(std::span<const std::string> paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!is_remote(path) && std::filesystem::is_directory(path)) {
      const std::vector<std::string> inside = files_in(path);
      files.insert(files.end(), inside.begin(), inside.end());
      continue;
    }
    require(is_remote(path) || std::filesystem::exists(path), path, "does not exist");
    require(opener(path) != nullptr, path, "is no data file, expected {}", known_kinds);
    files.push_back(path);
  }
  require(!files.empty(), "data", "no data files were given");
  return files;
}

std::string file_name(const std::string& address) {
  const std::string_view path = path_of(address);
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

}  // namespace artemis

// Pictures in files of this machine: only below folders that are named.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

bool is_file_url(std::string_view url);

// The folders by absolute paths. Throws Error for one that is no folder.
std::vector<std::filesystem::path> picture_folders(const std::vector<std::string>& folders);

// The bytes of the file that a file: URL names, whose path must begin with one of the folders. No link and no
// ".." leads out of the folder, and nothing but a file is read. Throws Error, with `where` and without the
// path; TooLargeError (io/base64.h) for more bytes than `most_bytes`. Any thread.
std::string read_picture_file(std::string_view url, std::string_view where,
                              const std::vector<std::filesystem::path>& folders, std::size_t most_bytes);

}  // namespace artemis

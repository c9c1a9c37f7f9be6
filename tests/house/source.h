// Source files as text, ready for the rules.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace artemis::house {

struct SourceFile {
  std::string path;  // from the root of the project, with '/'
  std::string text;
};

// Code, scripts and CMake files (not data) below root/folder for each of the folders, sorted by path.
std::vector<SourceFile> read_sources(const std::filesystem::path& root,
                                     const std::vector<std::string>& folders);

// C++ text of the same length and lines, in which comments and the contents of literals are spaces.
std::string blank_comments_and_literals(std::string_view text);

// The lines of a text, without their ends.
std::vector<std::string_view> split_lines(std::string_view text);

}  // namespace artemis::house

// Files of one JSON value a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "artemis/io/json.h"

namespace artemis {

struct JsonlLine {
  Json value;
  std::int64_t number;  // from 1
};

class JsonlReader {
 public:
  static constexpr std::size_t default_line_bytes = std::size_t{64} << 20;

  // Throws Error naming the file.
  explicit JsonlReader(std::filesystem::path file, std::size_t max_line_bytes = default_line_bytes);

  // The next line that is not blank, or nothing at the end. Throws Error naming file and line for one that is
  // too long or no JSON; the next call goes on after it.
  std::optional<JsonlLine> next();
  void rewind();

 private:
  bool read_line();

  std::filesystem::path file_;
  std::size_t max_line_bytes_;
  std::ifstream stream_;
  std::string line_;
  bool too_long_ = false;
  std::int64_t number_ = 0;
};

}  // namespace artemis

#include "artemis/io/jsonl.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {

JsonlReader::JsonlReader(std::filesystem::path file, std::size_t max_line_bytes)
    : file_(std::move(file)), max_line_bytes_(max_line_bytes) {
  rewind();
}

void JsonlReader::rewind() {
  std::error_code error;
  require(!std::filesystem::is_directory(file_, error), file_.string(), "is a directory, expected a file");
  stream_ = std::ifstream(file_, std::ios::binary);
  require(stream_.good(), file_.string(), "cannot be opened: {}", std::strerror(errno));
  number_ = 0;
}

// Reads up to the end of a line into line_, keeping no more of it than the limit; false at the end of the
// file.
bool JsonlReader::read_line() {
  line_.clear();
  too_long_ = false;
  std::streambuf& buffer = *stream_.rdbuf();
  int c = buffer.sbumpc();
  if (c == std::char_traits<char>::eof()) return false;
  for (; c != std::char_traits<char>::eof() && c != '\n'; c = buffer.sbumpc()) {
    if (line_.size() < max_line_bytes_) {
      line_ += static_cast<char>(c);
    } else {
      too_long_ = true;
    }
  }
  ++number_;
  return true;
}

std::optional<JsonlLine> JsonlReader::next() {
  while (read_line()) {
    const std::string where = fmt::format("{}, line {}", file_.string(), number_);
    require(!too_long_, where, "is longer than {} bytes", max_line_bytes_);
    if (line_.find_first_not_of(" \t\r") == std::string::npos) continue;
    return JsonlLine{parse_json(line_, where), number_};
  }
  return std::nullopt;
}

}  // namespace artemis

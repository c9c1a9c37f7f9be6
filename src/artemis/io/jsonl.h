// Files of one JSON value a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/io/byte_source.h"
#include "artemis/io/json.h"

namespace artemis {

// A line that was found.
struct JsonlPlace {
  std::int64_t number = 0;  // from 1
  std::int64_t offset = 0;  // of its first byte
};

struct JsonlLine {
  Json value;
  std::int64_t number;
};

class JsonlReader {
 public:
  static constexpr std::size_t default_line_bytes = std::size_t{64} << 20;

  // Throws Error naming the file.
  explicit JsonlReader(const std::filesystem::path& file, std::size_t max_line_bytes = default_line_bytes)
      : JsonlReader(open_bytes(file.string()), max_line_bytes) {}
  explicit JsonlReader(std::shared_ptr<const ByteSource> source,
                       std::size_t max_line_bytes = default_line_bytes);

  // The next line that is not blank, whatever it holds, or nothing at the end.
  std::optional<JsonlPlace> find_next();
  // A line that was found, from any thread. Throws Error naming file and line for one that is too long or no
  // JSON.
  Json read(const JsonlPlace& place) const;
  // Both in one; after an Error the next call goes on with the line behind it.
  std::optional<JsonlLine> next();
  void rewind();

 private:
  // Bytes from the position on, as many as are in memory; none at the end of the file.
  std::span<const std::byte> ahead();

  std::shared_ptr<const ByteSource> source_;
  std::size_t max_line_bytes_;
  std::vector<std::byte> block_;
  std::int64_t block_offset_ = 0;
  std::size_t block_bytes_ = 0;  // of block_ that are filled
  std::int64_t offset_ = 0;      // of the next line
  std::int64_t number_ = 0;      // of the last line found
};

}  // namespace artemis

// Files of training rows, which are found in order and read later in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "artemis/train/collate.h"

namespace artemis {

// Where a row stands in its file, in the words of the file's kind; `number` counts the rows, from 0 or 1.
struct RowPlace {
  std::int64_t number = 0;
  std::int64_t offset = 0;

  bool operator==(const RowPlace&) const = default;
};

// find_next() and skip_to() are for one thread; read() is for any, meanwhile.
class RowFile {
 public:
  virtual ~RowFile() = default;

  // The next row, or nothing at the end. Throws Error for what can be no row; the next call goes on behind
  // it. Throws ReadError when the bytes cannot be had.
  std::optional<RowPlace> find_next() {
    ++position_;
    return find();
  }
  // Calls of find_next() so far.
  std::int64_t position() const { return position_; }
  // Goes on as after so many calls.
  void skip_to(std::int64_t position);

  // Says that this row, found by an earlier reader, will be read; or that this one that was found will not.
  virtual void expect(const RowPlace&) {}
  virtual void forget(const RowPlace&) {}
  // A row that was found, once. Throws Error for one that cannot be used.
  virtual Row read(const RowPlace& place) = 0;

 private:
  virtual std::optional<RowPlace> find() = 0;

  std::int64_t position_ = 0;
};

// Tar shards (KEY.jpg|jpeg|png|webp, several as KEY.0.jpg, KEY.1.jpg, with KEY.txt, or KEY.json holding
// "caption" or "messages"), JSONL ({"image" or "images": path or list of paths, "caption" or "messages":
// ...}, paths beside the file) or Parquet (io/parquet.h), by the ending of the name. Throws Error naming it.
std::unique_ptr<RowFile> open_row_file(const std::string& address);

// The data files that paths stand for: files and addresses as they are, folders by the names in them. Throws
// Error for one that does not exist or is no data file.
std::vector<std::string> data_files(std::span<const std::string> paths);

// Those of one kind each.
std::unique_ptr<RowFile> open_tar_rows(const std::string& address);
std::unique_ptr<RowFile> open_jsonl_rows(const std::string& address);
std::unique_ptr<RowFile> open_parquet_rows(const std::string& address);

// "shard.tar" of "data/shard.tar".
std::string file_name(const std::string& address);

}  // namespace artemis

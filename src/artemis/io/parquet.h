// Parquet files as Hugging Face datasets store pictures and text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/io/byte_source.h"
#include "artemis/io/json.h"

namespace artemis {

struct ParquetPicture {
  std::string bytes;
  std::string path;  // that the dataset keeps beside the bytes; may be empty
};

// What is null or absent is empty.
struct ParquetRow {
  std::vector<ParquetPicture> pictures;
  std::optional<std::string> caption;
  std::optional<Json> messages;
};

// Columns read: "image" (struct of "bytes" and "path", or bytes alone), "images" (list of these), "caption"
// or else "text", and "messages" (JSON text, or a list of structs). The rows of a row group are read one
// after the other; memory holds a few of them.
class ParquetFile {
 public:
  // Whether this program was built with Apache Arrow.
  static bool supported();

  // Throws Error naming the file when it is no Parquet file, lacks these columns, or Parquet is not
  // supported.
  explicit ParquetFile(std::shared_ptr<const ByteSource> source);
  ~ParquetFile();
  ParquetFile(const ParquetFile&) = delete;
  ParquetFile& operator=(const ParquetFile&) = delete;

  std::int64_t rows() const;
  // The row behind the one read last.
  std::int64_t position() const;
  // Row `index`, 0 to rows() - 1. Quick for rows a little after the position, else its row group is read from
  // the beginning. Throws Error for a row that cannot be read, ReadError when the bytes cannot be had.
  ParquetRow read(std::int64_t index);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace artemis

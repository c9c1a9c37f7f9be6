// The rows of files, once through and in their order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/train/row_file.h"

namespace artemis {

class SampleSource {
 public:
  // Files as row_file.h knows them, folders of them, or addresses; in their order, folders sorted by name.
  // Throws Error for one that does not exist or is no data file.
  explicit SampleSource(const std::vector<std::string>& paths) : files_(data_files(paths)) {}

  // The next row, or nothing at the end of the data. Throws Error for a row that cannot be used, and can be
  // called again for the one after it.
  std::optional<Row> next();

 private:
  std::vector<std::string> files_;
  std::size_t opened_ = 0;  // files so far
  std::unique_ptr<RowFile> file_;
};

}  // namespace artemis

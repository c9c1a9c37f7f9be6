// Which row comes next: the rows of several sources, mixed by weight, each source shuffled within a window.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "artemis/core/random.h"
#include "artemis/train/row_file.h"

namespace artemis {

// Files, folders of them, or http(s):// and s3:// addresses of files; read one after the other, over and
// over. Each row is drawn from a source with a chance in proportion to its weight.
struct DataSource {
  std::vector<std::string> paths;
  double weight = 1.0;
};

// Rows in one pass over all sources, those included that will turn out unusable when they are read.
std::int64_t count_rows(std::span<const DataSource> sources);

struct PlannedRow {
  std::shared_ptr<RowFile> file;
  RowPlace place;
  std::vector<std::string> faults;  // of what could be no row and was met on the way, one line each
  std::size_t source = 0;           // that it came from
  std::int64_t source_epochs = 0;   // times that this source has given all its rows, this one included
  std::int64_t epochs = 0;          // the least of those of all sources
};

// The rows of one source, over and over: each is drawn at random from `window` rows that were found, their
// place then taken by others, until an epoch's rows are all drawn.
class ShuffledFiles {
 public:
  // Throws Error for files that do not exist.
  ShuffledFiles(const DataSource& source, std::int64_t window, const Random& random);

  // Throws Error when an epoch has no rows.
  PlannedRow next();
  std::int64_t epoch() const { return epoch_; }

  Json state() const;
  void restore(const Json& state);

 private:
  struct Found {
    std::size_t file_index;
    std::shared_ptr<RowFile> file;
    RowPlace place;
  };

  void fill(std::vector<std::string>& faults);
  void find_one();
  std::uint64_t fingerprint() const;

  std::vector<std::string> files_;
  std::size_t window_;
  Random random_;
  std::vector<Found> found_;
  std::size_t file_index_ = 0;     // of the file being looked through
  std::shared_ptr<RowFile> file_;  // that file, once it is open
  std::int64_t epoch_ = 0;
};

// Not for several threads at once.
class RowPlan {
 public:
  // Throws Error for sources that do not exist or weights that are not positive.
  RowPlan(std::span<const DataSource> sources, std::int64_t window, std::uint64_t seed);

  // Throws Error when a source has no rows, ReadError when its bytes cannot be had.
  PlannedRow next();

  // A few numbers for each row in a window, no row. Throws Error when it does not fit the sources.
  Json state() const;
  void restore(const Json& state);

 private:
  std::size_t draw_source();

  std::vector<ShuffledFiles> sources_;
  std::vector<double> weights_;
  Random random_;
};

}  // namespace artemis

// Where training rows come from.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artemis/core/random.h"
#include "artemis/train/collate.h"

namespace artemis {

// A stream of rows. next() throws Error for a row that cannot be used, and can be called again for the one
// after it.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  // The next row, or nothing at the end of the data.
  virtual std::optional<Row> next() = 0;
  // Back to the first row.
  virtual void rewind() = 0;
};

// Tar shards (KEY.jpg|jpeg|png|webp with KEY.txt, or KEY.json holding "caption" or "messages") and JSONL
// files
// ({"image": path or list of paths, "caption" or "messages": ...}, paths beside the file). `paths` are files
// or folders of them; the order is theirs, folders sorted by name.
std::unique_ptr<SampleSource> open_samples(const std::vector<std::string>& paths);

// The rows of a source, over and over, mixed within a window: each next row is drawn at random from `window`
// rows held, which is then refilled. The order is a function of the seed. A window of 1 keeps the order of
// the data.
class ShuffledSamples {
 public:
  ShuffledSamples(std::unique_ptr<SampleSource> source, std::size_t window, std::uint64_t seed);

  // Throws Error when the source has no usable row at all, or for a row that cannot be used.
  Row next();

  std::int64_t epoch() const { return epoch_; }

 private:
  void fill();

  std::unique_ptr<SampleSource> source_;
  std::size_t window_;
  Random random_;
  std::vector<Row> held_;
  std::int64_t epoch_ = 0;
  bool exhausted_ = false;
};

// Reads a source once from end to end, and returns how many rows it has (those that cannot be used not
// counted).
std::int64_t count_rows(SampleSource& source);

}  // namespace artemis

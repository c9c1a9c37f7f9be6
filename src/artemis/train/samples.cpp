#include "artemis/train/samples.h"

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/train/row_file.h"

namespace artemis {
namespace {

// The rows of one file after the other.
class ChainedSamples : public SampleSource {
 public:
  explicit ChainedSamples(std::vector<std::string> files) : files_(std::move(files)) {}

  std::optional<Row> next() override {
    for (;;) {
      if (!file_) {
        if (opened_ == files_.size()) return std::nullopt;
        file_ = open_row_file(files_[opened_++]);
      }
      if (const std::optional<RowPlace> place = file_->find_next()) return file_->read(*place);
      file_.reset();
    }
  }

  void rewind() override {
    opened_ = 0;
    file_.reset();
  }

 private:
  std::vector<std::string> files_;
  std::size_t opened_ = 0;  // files so far
  std::unique_ptr<RowFile> file_;
};

}  // namespace

std::unique_ptr<SampleSource> open_samples(const std::vector<std::string>& paths) {
  return std::make_unique<ChainedSamples>(data_files(paths));
}

ShuffledSamples::ShuffledSamples(std::unique_ptr<SampleSource> source, std::size_t window, std::uint64_t seed)
    : source_(std::move(source)), window_(std::max<std::size_t>(1, window)), random_(seed) {}

// Reads on until the window is full or this epoch's rows have all been read.
void ShuffledSamples::fill() {
  while (!exhausted_ && held_.size() < window_) {
    std::optional<Row> row = source_->next();
    if (row) {
      held_.push_back(std::move(*row));
    } else {
      exhausted_ = true;
    }
  }
}

Row ShuffledSamples::next() {
  fill();
  if (held_.empty()) {
    source_->rewind();
    exhausted_ = false;
    ++epoch_;
    fill();
    require(!held_.empty(), "data", "holds no rows");
  }
  // With a window of 1 the only row held; else any, its place taken by the last.
  std::swap(held_[random_.below(held_.size())], held_.back());
  Row row = std::move(held_.back());
  held_.pop_back();
  return row;
}

std::int64_t count_rows(SampleSource& source) {
  std::int64_t count = 0;
  for (;;) {
    try {
      if (!source.next()) break;
      ++count;
    } catch (const Error&) {
      // A row that cannot be used; the run counts and names it when it comes to it.
    }
  }
  source.rewind();
  return count;
}

}  // namespace artemis

#include "artemis/train/samples.h"

namespace artemis {

std::optional<Row> SampleSource::next() {
  for (;;) {
    if (!file_) {
      if (opened_ == files_.size()) return std::nullopt;
      file_ = open_row_file(files_[opened_++]);
    }
    if (const std::optional<RowPlace> place = file_->find_next()) return file_->read(*place);
    file_.reset();
  }
}

}  // namespace artemis

#include "artemis/train/row_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "artemis/io/byte_source.h"

namespace artemis {
namespace {

constexpr std::string_view where = "data position";

std::size_t checked_index(std::int64_t index, std::size_t end) {
  require(index >= 0 && static_cast<std::size_t>(index) < end, where,
          "names file {} of {}; the data have changed", index, end);
  return static_cast<std::size_t>(index);
}

}  // namespace

std::int64_t count_rows(std::span<const DataSource> sources) {
  std::int64_t count = 0;
  const auto count_file = [&count](const std::string& name) {
    const std::unique_ptr<RowFile> file = open_row_file(name);
    for (;;) {
      try {
        if (!file->find_next()) return;
        ++count;
      } catch (const ReadError&) {
        throw;
      } catch (const Error&) {
        continue;  // the run counts and names it when it comes to it
      }
    }
  };
  for (const DataSource& source : sources) {
    for (const std::string& name : data_files(source.paths)) {
      try {
        count_file(name);
      } catch (const ReadError&) {
        throw;
      } catch (const Error&) {
        continue;  // likewise a file that cannot be opened
      }
    }
  }
  return count;
}

ShuffledFiles::ShuffledFiles(const DataSource& source, std::int64_t window, const Random& random)
    : files_(data_files(source.paths)),
      window_(static_cast<std::size_t>(std::max<std::int64_t>(1, window))),
      random_(random) {}

// Looks on until the window is full or this epoch's rows have all been found.
void ShuffledFiles::fill(std::vector<std::string>& faults) {
  while (found_.size() < window_ && file_index_ < files_.size()) {
    try {
      find_one();
    } catch (const ReadError&) {
      throw;
    } catch (const Error& error) {
      faults.emplace_back(error.what());
    }
  }
}

void ShuffledFiles::find_one() {
  if (!file_) {
    try {
      file_ = open_row_file(files_[file_index_]);
    } catch (const ReadError&) {
      throw;
    } catch (const Error&) {
      ++file_index_;
      throw;
    }
  }
  if (const std::optional<RowPlace> place = file_->find_next()) {
    found_.push_back({.file_index = file_index_, .file = file_, .place = *place});
  } else {
    file_.reset();
    ++file_index_;
  }
}

PlannedRow ShuffledFiles::next() {
  PlannedRow row;
  fill(row.faults);
  require(!found_.empty(), "data", "{} hold no rows{}{}", fmt::join(files_, ", "),
          row.faults.empty() ? "" : "; ", row.faults.empty() ? "" : row.faults.back());
  std::swap(found_[random_.below(found_.size())], found_.back());
  row.file = std::move(found_.back().file);
  row.place = found_.back().place;
  found_.pop_back();
  fill(row.faults);
  if (found_.empty()) {
    file_index_ = 0;
    ++epoch_;
  }
  return row;
}

// FNV-1a of the files' names, by which other data are noticed.
std::uint64_t ShuffledFiles::fingerprint() const {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const std::string& file : files_) {
    for (const char c : file_name(file) + "\n")
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  return hash;
}

Json ShuffledFiles::state() const {
  Json found = Json::array();
  for (const Found& row : found_) found.push_back({row.file_index, row.place.number, row.place.offset});
  return {
      {"files", fingerprint()}, {"file", file_index_},          {"position", file_ ? file_->position() : 0},
      {"epoch", epoch_},        {"random", random_.position()}, {"found", std::move(found)}};
}

void ShuffledFiles::restore(const Json& state) {
  require(json_get<std::uint64_t>(state, "files", where) == fingerprint(), where,
          "is one in other files than {}", fmt::join(files_, ", "));
  file_index_ = checked_index(json_get<std::int64_t>(state, "file", where), files_.size() + 1);
  epoch_ = json_get<std::int64_t>(state, "epoch", where);
  random_.set_position(json_get<std::uint64_t>(state, "random", where));
  file_.reset();
  found_.clear();
  std::map<std::size_t, std::shared_ptr<RowFile>> files;
  const auto open = [&](std::size_t index) {
    std::shared_ptr<RowFile>& file = files[index];
    if (!file) file = open_row_file(files_[index]);
    return file;
  };
  const auto position = json_get<std::int64_t>(state, "position", where);
  if (position > 0 && file_index_ < files_.size()) {
    file_ = open(file_index_);
    file_->skip_to(position);
  }
  for (const Json& row : json_get<Json>(state, "found", where)) {
    const bool sound =
        row.is_array() && row.size() == 3 && std::ranges::all_of(row, &Json::is_number_integer);
    require(sound, where, "holds {} for a row, expected three numbers", row.dump());
    const std::size_t index = checked_index(row[0].get<std::int64_t>(), files_.size());
    const RowPlace place{.number = row[1].get<std::int64_t>(), .offset = row[2].get<std::int64_t>()};
    found_.push_back({.file_index = index, .file = open(index), .place = place});
    found_.back().file->expect(place);
  }
}

RowPlan::RowPlan(std::span<const DataSource> sources, std::int64_t window, std::uint64_t seed)
    : random_(seed) {
  require(!sources.empty(), "data", "no sources were given");
  for (const DataSource& source : sources) {
    require(std::isfinite(source.weight) && source.weight > 0, "data", "weight {} of {}, expected one over 0",
            source.weight, fmt::join(source.paths, ", "));
    sources_.emplace_back(source, window, Random(seed, sources_.size() + 1));
    weights_.push_back(source.weight);
  }
}

std::size_t RowPlan::draw_source() {
  if (sources_.size() == 1) return 0;
  double left = random_.uniform_double() * std::accumulate(weights_.begin(), weights_.end(), 0.0);
  for (std::size_t i = 0; i + 1 < weights_.size(); ++i) {
    if (left < weights_[i]) return i;
    left -= weights_[i];
  }
  return weights_.size() - 1;
}

PlannedRow RowPlan::next() {
  const std::size_t source = draw_source();
  PlannedRow row = sources_[source].next();
  row.source = source;
  row.source_epochs = sources_[source].epoch();
  row.epochs = std::ranges::min_element(sources_, {}, &ShuffledFiles::epoch)->epoch();
  return row;
}

Json RowPlan::state() const {
  Json sources = Json::array();
  for (const ShuffledFiles& source : sources_) sources.push_back(source.state());
  return {{"random", random_.position()}, {"sources", std::move(sources)}};
}

void RowPlan::restore(const Json& state) {
  const auto sources = json_get<Json>(state, "sources", where);
  require(sources.is_array() && sources.size() == sources_.size(), where,
          "is one in {} sources, expected {} as the data have", sources.size(), sources_.size());
  random_.set_position(json_get<std::uint64_t>(state, "random", where));
  for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i].restore(sources[i]);
}

}  // namespace artemis

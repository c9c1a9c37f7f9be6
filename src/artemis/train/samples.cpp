#include "artemis/train/samples.h"

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/train/jsonl_samples.h"
#include "artemis/train/tar_samples.h"

namespace artemis {
namespace {

bool is_shard(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".tar") || name.ends_with(".tar.gz") || name.ends_with(".tgz");
}

bool is_jsonl(const std::filesystem::path& file) { return file.extension() == ".jsonl"; }

// The data files below the paths, folders read in the order of their names.
std::vector<std::filesystem::path> data_files(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (is_shard(entry.path()) || is_jsonl(entry.path())) inside.push_back(entry.path());
    }
    require(!inside.empty(), path, "holds no .tar, .tar.gz, .tgz or .jsonl file");
    std::ranges::sort(inside);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

// One source after the other.
class ChainedSamples : public SampleSource {
 public:
  explicit ChainedSamples(std::vector<std::unique_ptr<SampleSource>> sources)
      : sources_(std::move(sources)) {}

  std::optional<Row> next() override {
    for (; at_ < sources_.size(); ++at_) {
      if (std::optional<Row> row = sources_[at_]->next()) return row;
    }
    return std::nullopt;
  }

  void rewind() override {
    for (const auto& source : sources_) source->rewind();
    at_ = 0;
  }

 private:
  std::vector<std::unique_ptr<SampleSource>> sources_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<SampleSource> open_samples(const std::vector<std::string>& paths) {
  std::vector<std::unique_ptr<SampleSource>> sources;
  for (const std::filesystem::path& file : data_files(paths)) {
    if (is_shard(file)) {
      sources.push_back(open_tar_samples(file));
    } else if (is_jsonl(file)) {
      sources.push_back(open_jsonl_samples(file));
    } else {
      fail(file.string(), "is no data file, expected .tar, .tar.gz, .tgz or .jsonl");
    }
  }
  require(!sources.empty(), "data", "no data files were given");
  return std::make_unique<ChainedSamples>(std::move(sources));
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

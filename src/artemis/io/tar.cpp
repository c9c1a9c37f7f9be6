#include "artemis/io/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 16;

// Whether a member's path leaves the archive's own tree.
bool climbs(const std::filesystem::path& path) {
  if (path.is_absolute()) return true;
  for (const auto& part : path) {
    if (part == "..") return true;
  }
  return false;
}

// "a/b.tar.JPG" is key "a/b", part "tar.jpg"; both are empty for a file that belongs to no sample.
std::pair<std::string, std::string> split_key(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string::npos) return {};
  std::string part = name.substr(dot + 1);
  for (char& c : part) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return {(path.parent_path() / name.substr(0, dot)).string(), part};
}

// What skip_to() passes over.
class BrokenSample : public Error {
 public:
  using Error::Error;
};

}  // namespace

struct TarSamples::Archive {
  archive* reader = nullptr;

  explicit Archive(const std::filesystem::path& file) : reader(archive_read_new()) {
    archive_read_support_format_tar(reader);
    archive_read_support_filter_gzip(reader);
    if (archive_read_open_filename(reader, file.c_str(), block_bytes) != ARCHIVE_OK) {
      const std::string reason = message();
      archive_read_free(reader);
      fail(file.string(), "cannot be opened as a tar archive: {}", reason);
    }
  }
  ~Archive() { archive_read_free(reader); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  std::string message() const {
    const char* text = archive_error_string(reader);
    return text == nullptr ? "unknown reason" : text;
  }
};

// One file of the archive. A fault without a key stands for bytes that are no member.
struct TarSamples::Member {
  std::string key;
  std::string part;
  std::string bytes;
  std::string fault;
};

TarSamples::TarSamples(std::filesystem::path file, std::int64_t max_sample_bytes)
    : file_(std::move(file)), max_sample_bytes_(max_sample_bytes) {
  std::error_code error;
  const bool empty =
      std::filesystem::is_regular_file(file_, error) && std::filesystem::is_empty(file_, error);
  require(!empty, file_.string(), "is empty, expected a tar archive");
  rewind();
}

TarSamples::~TarSamples() = default;

void TarSamples::rewind() {
  archive_ = std::make_unique<Archive>(file_);
  ahead_.reset();
  finished_keys_.clear();
  position_ = 0;
  ended_ = false;
}

void TarSamples::skip_to(std::int64_t position) {
  if (position < position_) rewind();
  while (position_ < position) {
    try {
      if (!next()) fail(file_.string(), "has {} samples, expected to go on after {}", position_, position);
    } catch (const BrokenSample&) {
      continue;
    }
  }
}

// The next file that belongs to a sample, or nothing at the end.
std::optional<TarSamples::Member> TarSamples::read_member() {
  archive_entry* entry = nullptr;
  while (!ended_) {
    const int status = archive_read_next_header(archive_->reader, &entry);
    if (status == ARCHIVE_EOF) {
      ended_ = true;
      break;
    }
    if (status < ARCHIVE_WARN) {
      ended_ = true;
      return Member{.key = {}, .part = {}, .bytes = {}, .fault = "breaks off: " + archive_->message()};
    }
    if (status == ARCHIVE_RETRY)
      return Member{
          .key = {}, .part = {}, .bytes = {}, .fault = "a header is damaged: " + archive_->message()};
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) continue;
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) name = archive_entry_pathname_utf8(entry);
    if (name == nullptr)
      return Member{.key = {}, .part = {}, .bytes = {}, .fault = "a member has no readable name"};
    const std::filesystem::path path(name);
    auto [key, part] = split_key(path.lexically_normal());
    if (key.empty()) continue;
    Member member{.key = std::move(key), .part = std::move(part), .bytes = {}, .fault = {}};
    if (climbs(path)) {
      member.fault = fmt::format("member '{}' leads out of the archive", name);
    } else {
      read_bytes(member, archive_entry_size(entry));
    }
    return member;
  }
  return std::nullopt;
}

// Grows with what is there, not with what the header promises.
void TarSamples::read_bytes(Member& member, std::int64_t size) {
  if (size > max_sample_bytes_) {
    member.fault = fmt::format("member '{}.{}' has {} bytes, at most {} are read", member.key, member.part,
                               size, max_sample_bytes_);
    return;
  }
  const auto wanted = static_cast<std::size_t>(size);
  while (member.bytes.size() < wanted) {
    const std::size_t used = member.bytes.size();
    member.bytes.resize(std::min(wanted, used + std::max(used, block_bytes)));
    const la_ssize_t got =
        archive_read_data(archive_->reader, member.bytes.data() + used, member.bytes.size() - used);
    if (got <= 0) {
      ended_ = true;
      member.fault =
          fmt::format("member '{}.{}' breaks off: {}", member.key, member.part, archive_->message());
      return;
    }
    member.bytes.resize(used + static_cast<std::size_t>(got));
  }
}

std::string TarSamples::add(TarSample& sample, std::int64_t& bytes, Member member) const {
  if (!member.fault.empty()) return member.fault;
  bytes += static_cast<std::int64_t>(member.bytes.size());
  if (bytes > max_sample_bytes_)
    return fmt::format("sample '{}' has over {} bytes", member.key, max_sample_bytes_);
  const auto [place, fresh] = sample.parts.emplace(member.part, std::move(member.bytes));
  return fresh ? "" : fmt::format("member '{}.{}' stands twice", member.key, member.part);
}

std::optional<TarSample> TarSamples::next() {
  const auto read_ahead = [this] {
    std::optional<Member> member = read_member();
    ahead_ = member ? std::make_unique<Member>(std::move(*member)) : nullptr;
  };
  if (!ahead_) read_ahead();
  if (!ahead_) return std::nullopt;
  TarSample sample{.key = ahead_->key, .parts = {}};
  std::int64_t bytes = 0;
  std::string fault;
  if (!sample.key.empty() && !finished_keys_.insert(sample.key).second)
    fault = fmt::format("member '{}.{}' comes after other samples, its key was read before", sample.key,
                        ahead_->part);
  while (ahead_ && ahead_->key == sample.key) {
    if (fault.empty()) fault = add(sample, bytes, std::move(*ahead_));
    read_ahead();
  }
  ++position_;
  if (!fault.empty()) throw BrokenSample(file_.string(), fault);
  return sample;
}

struct TarWriter::Output {
  explicit Output(const std::filesystem::path& path)
      : file(path), where(path.string()), writer(archive_write_new()) {}
  ~Output() { archive_write_free(writer); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void check(bool holds) const {
    if (failure) std::rethrow_exception(failure);
    const char* reason = archive_error_string(writer);
    require(holds, where, "cannot be written: {}", reason == nullptr ? "unknown reason" : reason);
  }

  // libarchive's sink.
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t count) {
    auto& output = *static_cast<Output*>(self);
    try {
      output.file.append(std::span(static_cast<const std::byte*>(bytes), count));
      return static_cast<la_ssize_t>(count);
    } catch (const Error&) {
      output.failure = std::current_exception();
      return -1;
    }
  }

  AtomicFile file;
  std::string where;
  archive* writer;
  std::exception_ptr failure;  // of `file`; an exception must not pass through libarchive
};

TarWriter::TarWriter(const std::filesystem::path& file) : output_(std::make_unique<Output>(file)) {
  archive_write_set_format_ustar(output_->writer);
  archive_write_set_options(output_->writer, "hdrcharset=BINARY");
  output_->check(archive_write_open(output_->writer, output_.get(), nullptr, Output::write, nullptr) ==
                 ARCHIVE_OK);
}

TarWriter::~TarWriter() = default;

void TarWriter::append(const std::string& name, std::string_view bytes) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  output_->check(archive_write_header(output_->writer, entry.get()) == ARCHIVE_OK);
  output_->check(archive_write_data(output_->writer, bytes.data(), bytes.size()) ==
                 static_cast<la_ssize_t>(bytes.size()));
}

void TarWriter::close() {
  output_->check(archive_write_close(output_->writer) == ARCHIVE_OK);
  output_->file.commit();
}

}  // namespace artemis

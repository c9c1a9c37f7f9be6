#include "artemis/io/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <utility>
#include <vector>

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

// "a/b.tar.jpg" is key "a/b", part "tar.jpg".
std::pair<std::string, std::string> split_key(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.find('.');
  const std::string stem = name.substr(0, dot);
  const std::string part = dot == std::string::npos ? "" : name.substr(dot + 1);
  return {(path.parent_path() / stem).string(), part};
}

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

struct TarSamples::Member {
  std::string key;
  std::string part;
  std::string bytes;
};

TarSamples::TarSamples(std::filesystem::path file, std::int64_t max_member_bytes)
    : file_(std::move(file)),
      max_member_bytes_(max_member_bytes),
      archive_(std::make_unique<Archive>(file_)) {}

TarSamples::~TarSamples() = default;

void TarSamples::rewind() {
  archive_ = std::make_unique<Archive>(file_);
  open_ = {};
  finished_keys_.clear();
  ended_ = false;
}

// The next ordinary file whose name has a key, or nothing at the end.
std::optional<TarSamples::Member> TarSamples::next_member() {
  archive_entry* entry = nullptr;
  for (;;) {
    const int status = archive_read_next_header(archive_->reader, &entry);
    if (status == ARCHIVE_EOF) return std::nullopt;
    if (status < ARCHIVE_WARN) {
      ended_ = true;
      fail(file_.string(), "the archive breaks off: {}", archive_->message());
    }
    const char* raw_name = archive_entry_pathname(entry);
    require(raw_name != nullptr, file_.string(), "a member has no readable name");
    const std::filesystem::path path = std::filesystem::path(raw_name).lexically_normal();
    if (archive_entry_filetype(entry) != AE_IFREG || path.filename().string().starts_with('.')) continue;
    require(!climbs(path), file_.string(), "member '{}' leads out of the archive", raw_name);
    require(archive_entry_size(entry) <= max_member_bytes_, file_.string(),
            "member '{}' has {} bytes, at most {} are read", raw_name, archive_entry_size(entry),
            max_member_bytes_);
    auto [key, part] = split_key(path);
    Member member{.key = std::move(key), .part = std::move(part), .bytes = {}};
    member.bytes.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    const la_ssize_t got = archive_read_data(archive_->reader, member.bytes.data(), member.bytes.size());
    if (got != static_cast<la_ssize_t>(member.bytes.size())) {
      ended_ = true;
      fail(file_.string(), "member '{}' breaks off: {}", raw_name, archive_->message());
    }
    return member;
  }
}

TarSample TarSamples::take_open_sample() {
  finished_keys_.insert(open_.key);
  return std::exchange(open_, TarSample{});
}

std::optional<TarSample> TarSamples::next() {
  while (!ended_) {
    std::optional<Member> member = next_member();
    if (!member) {
      ended_ = true;
      break;
    }
    const bool same = !open_.parts.empty() && open_.key == member->key;
    require(same || !finished_keys_.contains(member->key), file_.string(),
            "member '{}.{}' comes after other samples, its key '{}' was read before", member->key,
            member->part, member->key);
    require(!same || !open_.parts.contains(member->part), file_.string(), "member '{}.{}' stands twice",
            member->key, member->part);
    std::optional<TarSample> finished;
    if (!same && !open_.parts.empty()) finished = take_open_sample();
    open_.key = member->key;
    open_.parts.emplace(std::move(member->part), std::move(member->bytes));
    if (finished) return finished;
  }
  if (open_.parts.empty()) return std::nullopt;
  return take_open_sample();
}

struct TarWriter::Output {
  explicit Output(const std::filesystem::path& path)
      : file(path), where(path.string()), writer(archive_write_new()) {}
  ~Output() { archive_write_free(writer); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void check(bool holds) const {
    require(holds, where, "cannot be written: {}",
            archive_error_string(writer) == nullptr ? "unknown reason" : archive_error_string(writer));
  }

  AtomicFile file;
  std::string where;
  archive* writer;
};

namespace {

// libarchive's sink; an exception must not pass through its C code.
la_ssize_t append_to_file(archive* writer, void* file, const void* bytes, std::size_t count) {
  try {
    static_cast<AtomicFile*>(file)->append(std::span(static_cast<const std::byte*>(bytes), count));
    return static_cast<la_ssize_t>(count);
  } catch (const Error& error) {
    archive_set_error(writer, EIO, "%s", error.what());
    return -1;
  }
}

}  // namespace

TarWriter::TarWriter(const std::filesystem::path& file) : output_(std::make_unique<Output>(file)) {
  archive_write_set_format_ustar(output_->writer);
  output_->check(archive_write_open(output_->writer, &output_->file, nullptr, append_to_file, nullptr) ==
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

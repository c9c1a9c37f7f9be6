#include "artemis/io/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>
#include <vector>

#include "artemis/core/error.h"

namespace artemis {
namespace {

constexpr std::size_t scan_block_bytes = std::size_t{1} << 14;  // headers alone
constexpr std::size_t read_block_bytes = std::size_t{1} << 16;

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

bool is_gzip(const ByteSource& source) {
  std::array<std::byte, 2> magic{};
  return source.read(0, magic) == 2 && magic[0] == std::byte{0x1F} && magic[1] == std::byte{0x8B};
}

// What skip_to() passes over.
class BrokenSample : public Error {
 public:
  using Error::Error;
};

}  // namespace

// One file of the archive, by its header. A fault without a key stands for bytes that are no member.
struct TarSamples::Member {
  std::string key;
  std::string part;
  std::string fault;
  std::int64_t offset = 0;  // of its first header
  std::int64_t bytes = 0;
};

// libarchive over a ByteSource, from an offset on.
class TarSamples::Archive {
 public:
  Archive(const ByteSource& source, std::int64_t offset, std::size_t block_bytes, bool packed)
      : source_(source), start_(offset), at_(offset), block_(block_bytes), reader_(archive_read_new()) {
    if (packed) {
      archive_read_support_format_raw(reader_);
      archive_read_support_filter_gzip(reader_);
    } else {
      archive_read_support_format_tar(reader_);
    }
    archive_read_set_read_callback(reader_, read);
    archive_read_set_skip_callback(reader_, skip);
    archive_read_set_callback_data(reader_, this);
    if (archive_read_open1(reader_) != ARCHIVE_OK) {
      const std::string reason = message();
      archive_read_free(reader_);
      if (failure_) std::rethrow_exception(failure_);
      fail(source.name(), "cannot be opened as a tar archive: {}", reason);
    }
  }
  ~Archive() { archive_read_free(reader_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  std::string message() const {
    const char* text = archive_error_string(reader_);
    return text == nullptr ? "unknown reason" : text;
  }

  int next_header(archive_entry*& entry) {
    const int status = archive_read_next_header(reader_, &entry);
    if (failure_) std::rethrow_exception(failure_);
    return status;
  }
  // Of the entry whose header was read last.
  std::int64_t header_offset() const { return start_ + archive_read_header_position(reader_); }
  std::int64_t data_offset() const { return start_ + archive_filter_bytes(reader_, 0); }
  bool skip_data() {
    const int status = archive_read_data_skip(reader_);
    if (failure_) std::rethrow_exception(failure_);
    return status == ARCHIVE_OK || status == ARCHIVE_EOF;
  }
  // Bytes of the entry; 0 at its end, negative when they break off.
  la_ssize_t read_data(void* bytes, std::size_t count) {
    const la_ssize_t got = archive_read_data(reader_, bytes, count);
    if (failure_) std::rethrow_exception(failure_);
    return got;
  }

 private:
  static la_ssize_t read(archive*, void* self, const void** bytes) {
    auto& archive = *static_cast<Archive*>(self);
    try {
      const std::size_t got = archive.source_.read(archive.at_, archive.block_);
      archive.at_ += static_cast<std::int64_t>(got);
      *bytes = archive.block_.data();
      return static_cast<la_ssize_t>(got);
    } catch (const Error&) {
      archive.failure_ = std::current_exception();
      return ARCHIVE_FATAL;
    }
  }

  static la_int64_t skip(archive*, void* self, la_int64_t count) {
    auto& archive = *static_cast<Archive*>(self);
    const std::int64_t most = std::min<std::int64_t>(count, archive.source_.size() - archive.at_);
    archive.at_ += most;
    return most;
  }

  const ByteSource& source_;
  std::int64_t start_;
  std::int64_t at_;
  std::vector<std::byte> block_;
  archive* reader_;
  std::exception_ptr failure_;  // of the source; an exception must not pass through libarchive
};

namespace {

// Key, part and name of a file entry; the key is empty for one that belongs to no sample.
struct EntryName {
  std::string key;
  std::string part;
  std::string name;
  bool readable = true;
};

EntryName name_of(archive_entry* entry) {
  EntryName result;
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) return result;
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  result.readable = name != nullptr;
  if (name == nullptr) return result;
  result.name = name;
  std::tie(result.key, result.part) = split_key(std::filesystem::path(name).lexically_normal());
  return result;
}

}  // namespace

TarSamples::TarSamples(std::shared_ptr<const ByteSource> source, std::int64_t max_sample_bytes)
    : source_(std::move(source)), max_sample_bytes_(max_sample_bytes) {
  require(source_->size() > 0, source_->name(), "is empty, expected a tar archive");
  if (is_gzip(*source_)) unpack();
  rewind();
}

TarSamples::~TarSamples() = default;

void TarSamples::unpack() {
  Archive packed(*source_, 0, read_block_bytes, true);
  SpoolFile unpacked(source_->name());
  archive_entry* entry = nullptr;
  std::vector<std::byte> bytes(read_block_bytes);
  if (packed.next_header(entry) >= ARCHIVE_WARN) {
    la_ssize_t got = 0;
    while ((got = packed.read_data(bytes.data(), bytes.size())) > 0)
      unpacked.append(std::span(bytes).first(static_cast<std::size_t>(got)));
    if (got < 0) unpacking_fault_ = packed.message();
  } else {
    unpacking_fault_ = packed.message();
  }
  source_ = unpacked.finish();
  require(source_->size() > 0, source_->name(), "cannot be opened as a tar archive: {}",
          unpacking_fault_.empty() ? "it is empty" : unpacking_fault_);
}

void TarSamples::rewind() {
  archive_ = std::make_unique<Archive>(*source_, 0, scan_block_bytes, false);
  ahead_.reset();
  end_fault_.clear();
  finished_keys_.clear();
  position_ = 0;
  ended_ = false;
}

void TarSamples::skip_to(std::int64_t position) {
  if (position < position_) rewind();
  while (position_ < position) {
    try {
      if (!find_next())
        fail(source_->name(), "has {} samples, expected to go on after {}", position_, position);
    } catch (const BrokenSample&) {
      continue;
    }
  }
}

std::string TarSamples::reason() const {
  return unpacking_fault_.empty() ? archive_->message() : unpacking_fault_;
}

// The next file that belongs to a sample or cannot be read, or nothing at the end.
std::optional<TarSamples::Member> TarSamples::find_member() {
  const auto fault = [](std::string what) { return Member{.key = {}, .part = {}, .fault = std::move(what)}; };
  if (!end_fault_.empty()) return fault(std::exchange(end_fault_, {}));
  archive_entry* entry = nullptr;
  while (!ended_) {
    const int status = archive_->next_header(entry);
    if (status == ARCHIVE_RETRY) return fault("a header is damaged: " + reason());
    if (status == ARCHIVE_EOF || status < ARCHIVE_WARN) {
      ended_ = true;
      if (status == ARCHIVE_EOF && unpacking_fault_.empty()) return std::nullopt;
      return fault("breaks off: " + reason());
    }
    const EntryName named = name_of(entry);
    if (!named.readable) return fault("a member has no readable name");
    Member member{.key = named.key, .part = named.part, .fault = {}};
    member.offset = archive_->header_offset();
    member.bytes = archive_entry_size(entry);
    if (!member.key.empty()) member.fault = refusal(member, named.name);
    skip(member);
    if (!member.key.empty() || !member.fault.empty()) return member;
  }
  return std::nullopt;
}

// Why a member of this name is not read, or nothing.
std::string TarSamples::refusal(const Member& member, const std::string& name) const {
  if (climbs(name)) return fmt::format("member '{}' leads out of the archive", name);
  if (member.bytes <= max_sample_bytes_) return "";
  return fmt::format("member '{}.{}' has {} bytes, at most {} are read", member.key, member.part,
                     member.bytes, max_sample_bytes_);
}

// Goes behind a member's bytes. Where the archive breaks off in them the member is at fault; where it does so
// in the padding after them, what follows is.
void TarSamples::skip(Member& member) {
  const bool whole = member.bytes <= source_->size() - archive_->data_offset();
  if (archive_->skip_data()) return;
  ended_ = true;
  const std::string broken = "breaks off: " + reason();
  if (member.key.empty()) {
    member.fault = broken;
  } else if (whole) {
    end_fault_ = broken;
  } else if (member.fault.empty()) {
    member.fault = fmt::format("member '{}.{}' {}", member.key, member.part, broken);
  }
}

std::string TarSamples::add(std::unordered_set<std::string>& parts, std::int64_t& bytes,
                            const Member& member) const {
  if (!member.fault.empty()) return member.fault;
  bytes += member.bytes;
  if (bytes > max_sample_bytes_)
    return fmt::format("sample '{}' has over {} bytes", member.key, max_sample_bytes_);
  return parts.insert(member.part).second
             ? ""
             : fmt::format("member '{}.{}' stands twice", member.key, member.part);
}

std::optional<TarPlace> TarSamples::find_next() {
  const auto find_ahead = [this] {
    std::optional<Member> member = find_member();
    ahead_ = member ? std::make_unique<Member>(std::move(*member)) : nullptr;
  };
  if (!ahead_) find_ahead();
  if (!ahead_) return std::nullopt;
  TarPlace place{.key = ahead_->key, .offset = ahead_->offset};
  std::unordered_set<std::string> parts;
  std::int64_t bytes = 0;
  std::string fault;
  if (!place.key.empty() && !finished_keys_.insert(place.key).second)
    fault = fmt::format("member '{}.{}' comes after other samples, its key was read before", place.key,
                        ahead_->part);
  while (ahead_ && ahead_->key == place.key) {
    if (fault.empty()) fault = add(parts, bytes, *ahead_);
    find_ahead();
  }
  ++position_;
  if (!fault.empty()) throw BrokenSample(source_->name(), fault);
  return place;
}

TarSample TarSamples::read(std::int64_t offset) const {
  Archive archive(*source_, offset, read_block_bytes, false);
  TarSample sample;
  archive_entry* entry = nullptr;
  while (true) {
    const int status = archive.next_header(entry);
    if (status == ARCHIVE_EOF || status < ARCHIVE_WARN) break;
    const EntryName named = name_of(entry);
    if (named.key.empty() && named.readable) continue;
    if (sample.parts.empty()) sample.key = named.key;
    if (!named.readable || named.key != sample.key) break;
    const std::int64_t size = archive_entry_size(entry);
    require(size <= max_sample_bytes_, source_->name(), "member '{}' has {} bytes, at most {} are read",
            named.name, size, max_sample_bytes_);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::size_t used = 0;
    while (used < bytes.size()) {
      const la_ssize_t got = archive.read_data(bytes.data() + used, bytes.size() - used);
      require(got > 0, source_->name(), "member '{}' breaks off: {}", named.name, archive.message());
      used += static_cast<std::size_t>(got);
    }
    sample.parts.emplace(named.part, std::move(bytes));
  }
  require(!sample.parts.empty(), source_->name(), "has no sample at byte {}", offset);
  return sample;
}

std::optional<TarSample> TarSamples::next() {
  const std::optional<TarPlace> place = find_next();
  if (!place) return std::nullopt;
  return read(place->offset);
}

}  // namespace artemis

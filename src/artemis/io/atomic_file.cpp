#include "artemis/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::filesystem::path temporary_name(const std::filesystem::path& target) {
  std::filesystem::path name = target;
  name += fmt::format(".tmp-{}", getpid());
  return name;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Something that is no regular file and no folder: a terminal, a pipe, /dev/null.
bool is_device(const std::filesystem::path& file) {
  struct stat status {};
  return stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

[[noreturn]] void fail_errno(const std::filesystem::path& file, const char* action) {
  fail(file.string(), "{}: {}", action, std::strerror(errno));
}

// An open file that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& file, int flags) : value_(open(file.c_str(), flags | O_CLOEXEC)) {
    if (value_ < 0) fail_errno(file, "cannot be opened");
  }
  ~Descriptor() { close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

void sync(const std::filesystem::path& file, int flags) {
  const Descriptor descriptor(file, O_RDONLY | flags);
  if (fsync(descriptor.value()) != 0) fail_errno(file, "cannot be synced");
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  const Descriptor descriptor(file, O_RDONLY);
  std::string bytes;
  std::size_t used = 0;
  for (;;) {
    bytes.resize(used + (std::size_t{1} << 16) + used / 2);
    const ssize_t got = read(descriptor.value(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(file, "cannot be read");
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

AtomicFile::AtomicFile(std::filesystem::path target, Access access) : target_(std::move(target)) {
  if (is_device(target_)) {
    descriptor_ = open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = temporary_name(target_);
    unlink(temporary_.c_str());  // what a killed process with our number left
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                       access == Access::owner ? 0600 : 0644);
  }
  if (descriptor_ < 0) fail_with_errno("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::fail_with_errno(const char* action) const { fail_errno(target_, action); }

void AtomicFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit(Durability durability) {
  const bool device = temporary_.empty();
  const bool synced = durability == Durability::synced;
  if (!device && synced && fsync(descriptor_) != 0) fail_with_errno("cannot be synced");
  const bool closed = close(std::exchange(descriptor_, -1)) == 0;
  if (device) {
    if (!closed) fail_with_errno("cannot be written");
    return;
  }
  if (!closed || rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int reason = errno;
    unlink(temporary_.c_str());
    errno = reason;
    fail_with_errno("cannot be put in place");
  }
  if (synced) sync_directory(folder_of(target_));
}

void write_file_atomically(const std::filesystem::path& target, std::string_view bytes) {
  AtomicFile file(target);
  file.append(bytes);
  file.commit();
}

StagedDirectory::StagedDirectory(std::filesystem::path target) : target_(std::move(target)) {
  if (!target_.has_filename()) target_ = target_.parent_path();  // "out/" is "out"
  staging_ = temporary_name(target_);
  std::error_code error;
  const bool taken = std::filesystem::exists(std::filesystem::symlink_status(target_, error));
  require(!taken, target_.string(), "exists already, expected a new directory");
  std::filesystem::create_directories(folder_of(target_), error);
  // A killed process with our number may have left one behind, which would be published with ours.
  if (!error) std::filesystem::remove_all(staging_, error);
  if (!error) std::filesystem::create_directory(staging_, error);
  require(!error, target_.string(), "cannot be created: {}", error.message());
}

StagedDirectory::~StagedDirectory() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove_all(staging_, ignored);
}

void StagedDirectory::commit() {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(staging_)) sync(entry.path(), 0);
  sync_directory(staging_);
  if (rename(staging_.c_str(), target_.c_str()) != 0) fail_errno(target_, "cannot be put in place");
  committed_ = true;
  sync_directory(folder_of(target_));
}

void sync_directory(const std::filesystem::path& directory) { sync(directory, O_DIRECTORY); }

}  // namespace artemis

#include "artemis/io/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "artemis/io/remote_file.h"

namespace artemis {
namespace {

[[noreturn]] void fail_to_read(const std::string& name, const std::string& reason) {
  throw ReadError(name, "cannot be read: " + reason);
}

class LocalFile : public ByteSource {
 public:
  LocalFile(std::string name, int descriptor, std::int64_t size)
      : ByteSource(std::move(name), size), descriptor_(descriptor) {}
  ~LocalFile() override { close(descriptor_); }

 private:
  void read_inside(std::int64_t offset, std::span<std::byte> bytes) const override {
    while (!bytes.empty()) {
      const ssize_t got = pread(descriptor_, bytes.data(), bytes.size(), offset);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_to_read(name(), std::strerror(errno));
      if (got == 0) fail_to_read(name(), fmt::format("it has become shorter than {} bytes", size()));
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      offset += got;
    }
  }

  int descriptor_;
};

std::shared_ptr<const ByteSource> open_local(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(descriptor >= 0, path, "cannot be opened: {}", std::strerror(errno));
  return open_bytes(path, descriptor);
}

}  // namespace

std::shared_ptr<const ByteSource> open_bytes(std::string name, int descriptor) {
  struct stat status = {};
  const bool known = fstat(descriptor, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    close(descriptor);
    fail(name, "cannot be opened: it {}, expected a file",
         known && S_ISDIR(status.st_mode) ? "is a directory" : "is no regular file");
  }
  return std::make_shared<LocalFile>(std::move(name), descriptor, status.st_size);
}

std::size_t ByteSource::read(std::int64_t offset, std::span<std::byte> bytes) const {
  if (offset < 0 || offset >= size_) return 0;
  const auto count = std::min(bytes.size(), static_cast<std::size_t>(size_ - offset));
  if (count > 0) read_inside(offset, bytes.first(count));
  return count;
}

bool is_remote(const std::string& address) {
  return address.starts_with("http://") || address.starts_with("https://") || address.starts_with("s3://");
}

std::shared_ptr<const ByteSource> open_bytes(const std::string& address) {
  return is_remote(address) ? open_remote(address) : open_local(address);
}

SpoolFile::SpoolFile(std::string name) : name_(std::move(name)) {
  std::string path = (std::filesystem::temp_directory_path() / "artemis-spool-XXXXXX").string();
  descriptor_ = mkostemp(path.data(), O_CLOEXEC);
  if (descriptor_ < 0) throw ReadError(path, fmt::format("cannot be created: {}", std::strerror(errno)));
  unlink(path.c_str());
}

SpoolFile::~SpoolFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void SpoolFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw ReadError(name_, fmt::format("cannot be set aside: {}", std::strerror(errno)));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    size_ += put;
  }
}

std::shared_ptr<const ByteSource> SpoolFile::finish() {
  return std::make_shared<LocalFile>(name_, std::exchange(descriptor_, -1), size_);
}

std::string read_all(const ByteSource& source, std::int64_t most) {
  require(source.size() <= most, source.name(), "has {} bytes, at most {} are read", source.size(), most);
  std::string bytes(static_cast<std::size_t>(source.size()), '\0');
  source.read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace artemis

// Files whose bytes are read at any offset: on disk, or far away (remote_file.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {

// The disk or the network failed: what was asked for may be sound, but cannot be had now.
class ReadError : public Error {
 public:
  using Error::Error;
};

// All members may be called from several threads at once.
class ByteSource {
 public:
  ByteSource(std::string name, std::int64_t size) : name_(std::move(name)), size_(size) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // The path or address, for messages.
  const std::string& name() const { return name_; }
  std::int64_t size() const { return size_; }

  // Fills `bytes` from `offset` on, or up to the end; returns how many there were. Throws ReadError.
  std::size_t read(std::int64_t offset, std::span<std::byte> bytes) const;

 private:
  // `bytes` lie within the file and are not empty.
  virtual void read_inside(std::int64_t offset, std::span<std::byte> bytes) const = 0;

  std::string name_;
  std::int64_t size_;
};

// Whether an address is http://, https:// or s3://.
bool is_remote(const std::string& address);

// A path, or an address as remote_file.h takes it. Throws Error naming it.
std::shared_ptr<const ByteSource> open_bytes(const std::string& address);

// An open descriptor, which is taken over, of what must be a file. Throws Error naming it.
std::shared_ptr<const ByteSource> open_bytes(std::string name, int descriptor);

// Bytes set aside in a file without a name, which goes when nobody reads it any more. Throws ReadError when
// there is no room.
class SpoolFile {
 public:
  // In the folder for temporary files. `name` is for messages.
  explicit SpoolFile(std::string name);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  void append(std::span<const std::byte> bytes);
  // What was written, to be read; nothing can be appended after it.
  std::shared_ptr<const ByteSource> finish();

 private:
  std::string name_;
  int descriptor_;
  std::int64_t size_ = 0;
};

// All bytes. Throws Error when there are more than `most`.
std::string read_all(const ByteSource& source, std::int64_t most);

}  // namespace artemis

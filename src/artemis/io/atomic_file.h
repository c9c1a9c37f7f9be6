// Files that are there whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace artemis {

// All bytes of a file; throws Error naming it and the reason.
std::string read_file(const std::filesystem::path& file);

// Whether commit() waits until the bytes would outlast a loss of power.
enum class Durability : std::uint8_t { synced, cached };

// Who may read a new file.
enum class Access : std::uint8_t { everyone, owner };

// Writes under a temporary name beside the target, syncs, renames and syncs the folder, so that a reader sees
// the old file or the new one. Without commit() the target stays as it was. A device or pipe is written as
// the bytes come. Every failure is an Error naming the file.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target, Access access = Access::everyone);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void append(std::span<const std::byte> bytes);
  void append(std::string_view bytes) { append(std::as_bytes(std::span(bytes))); }
  void commit(Durability durability = Durability::synced);

 private:
  [[noreturn]] void fail_with_errno(const char* action) const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& target, std::string_view bytes);

// A folder under a temporary name beside its target, synced and renamed at commit(); removed when there is
// none. Throws Error when the target exists already.
class StagedDirectory {
 public:
  explicit StagedDirectory(std::filesystem::path target);
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  const std::filesystem::path& path() const { return staging_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
  bool committed_ = false;
};

// Makes what was renamed or created in this folder last.
void sync_directory(const std::filesystem::path& directory);

}  // namespace artemis

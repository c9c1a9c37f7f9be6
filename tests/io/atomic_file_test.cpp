// Failures of writing leave the old file, nothing beside it, and a reason.
#include "artemis/io/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "artemis/io/mapped_file.h"
#include "artemis/io/safetensors.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

// While it lives, no file of this process grows past `bytes`: a write beyond fails with EFBIG, as one on a
// full disk does with ENOSPC.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

std::ptrdiff_t files_in(const TemporaryFolder& folder) {
  return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}

TEST(AtomicFile, AWriteThatFailsHalfwayLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("x.safetensors", "old");
  const std::vector<float> values(10000);
  const std::vector<NamedTensor> tensors = {{"a", "F32", {10000}, std::as_bytes(std::span(values))}};
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = error_of([&] { write_safetensors(file, tensors, {}); });
  }
  expect_error(message, "x.safetensors] cannot be written: File too large");
  EXPECT_EQ(read_file(file), "old");
  EXPECT_EQ(files_in(folder), 1);
  write_safetensors(file, tensors, {});
  EXPECT_EQ(SafetensorsFile::open(file).tensor("a").count(), 10000);
}

TEST(AtomicFile, ATargetThatCannotBeReplacedLeavesNothingBehind) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "taken" / "inside");
  expect_error(error_of([&] { write_file_atomically(folder.path() / "taken", "new"); }),
               "taken] cannot be put in place: Is a directory");
  EXPECT_EQ(files_in(folder), 1);
  const auto file = folder.write("file", "old");
  expect_error(error_of([&] { write_file_atomically(file / "below", "new"); }),
               "below] cannot be created: Not a directory");
  EXPECT_EQ(read_file(file), "old");
}

TEST(AtomicFile, ADeviceIsWrittenAndNeverReplaced) {
  expect_error(error_of([] { write_file_atomically("/dev/full", "new"); }),
               "[/dev/full] cannot be written: No space left on device");
  write_file_atomically("/dev/null", "new");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFile, ALinkUnderTheTemporaryNameIsNotFollowed) {
  const TemporaryFolder folder;
  const auto precious = folder.write("precious", "old");
  const std::filesystem::path file = folder.path() / "x";
  std::filesystem::create_symlink(precious, file.string() + ".tmp-" + std::to_string(getpid()));
  write_file_atomically(file, "new");
  EXPECT_EQ(read_file(precious), "old");
  EXPECT_EQ(read_file(file), "new");
}

TEST(AtomicFile, AFolderWithoutPermissionIsNamed) {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const bool superuser = geteuid() == 0;  // who may write everywhere, so that another has to try
  ASSERT_EQ(superuser ? seteuid(65534) : 0, 0);
  const std::string written = error_of([&] { write_file_atomically(folder.path() / "x", "new"); });
  const std::string staged = error_of([&] { StagedDirectory{folder.path() / "x"}; });
  ASSERT_EQ(superuser ? seteuid(0) : 0, 0);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  expect_error(written, "x] cannot be created: Permission denied");
  expect_error(staged, "x] cannot be created: Permission denied");
}

TEST(StagedDirectory, WhatAKilledProcessLeftIsNotPublished) {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  std::filesystem::path staging;
  {
    const StagedDirectory staged(out);
    staging = staged.path();
  }
  std::filesystem::create_directories(staging);
  write_file_atomically(staging / "stale", "1");
  StagedDirectory staged(out);
  write_file_atomically(staged.path() / "fresh", "2");
  staged.commit();
  EXPECT_FALSE(std::filesystem::exists(out / "stale"));
  EXPECT_EQ(read_file(out / "fresh"), "2");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(StagedDirectory, RefusesTargetsThatCannotBe) {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "old");
  expect_error(error_of([&] { StagedDirectory{file}; }), "file] exists already");
  expect_error(error_of([&] { StagedDirectory{file / "below"}; }), "below] cannot be created: ");
  std::filesystem::create_symlink("nowhere", folder.path() / "link");
  expect_error(error_of([&] { StagedDirectory{folder.path() / "link"}; }), "link] exists already");
  expect_error(error_of([&] { StagedDirectory{folder.path() / std::string(300, 'x')}; }),
               "cannot be created: File name too long");
}

TEST(MappedFile, OnlyRegularFilesAreMapped) {
  const TemporaryFolder folder;
  const auto whole = MappedFile::open(folder.write("x", "bytes"));
  EXPECT_EQ(whole->bytes().size(), 5u);
  EXPECT_TRUE(MappedFile::open(folder.write("empty", ""))->bytes().empty());
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  expect_error(error_of([&] { MappedFile::open(folder.path() / "pipe"); }), "pipe] is no regular file");
  expect_error(error_of([&] { MappedFile::open(folder.path()); }), "is no regular file");
  expect_error(error_of([&] { MappedFile::open(folder.path() / "none"); }),
               "none] cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace artemis

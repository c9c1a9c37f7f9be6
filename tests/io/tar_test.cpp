// Tar shards and JSONL: samples, and what is broken in them.
#include "artemis/io/tar.h"

#include <cstring>

#include "artemis/io/atomic_file.h"
#include "artemis/io/jsonl.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

using Members = std::vector<std::pair<std::string, std::string>>;

std::filesystem::path write_tar(const TemporaryFolder& folder, const Members& members) {
  const std::filesystem::path file = folder.path() / "shard.tar";
  TarWriter writer(file);
  for (const auto& [name, bytes] : members) writer.append(name, bytes);
  writer.close();
  return file;
}

// Keys of all samples; errors stand in brackets.
std::vector<std::string> read_all(const std::filesystem::path& file) {
  TarSamples samples(file, 1000);
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    try {
      const auto sample = samples.next();
      if (!sample) return keys;
      keys.push_back(sample->key);
    } catch (const Error& error) {
      keys.push_back(error.what());
    }
  }
  ADD_FAILURE() << "no end";
  return keys;
}

TEST(Tar, SamplesAreGroupedByKey) {
  const TemporaryFolder folder;
  const auto file = write_tar(
      folder, {{"./a/0001.jpg", "J"}, {"./a/0001.seg.png", "P"}, {"./a/0001.txt", "T"}, {"b.json", "{}"}});
  TarSamples samples(file);
  for (int pass = 0; pass < 2; ++pass) {
    auto first = samples.next();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->key, "a/0001");
    EXPECT_EQ(first->parts,
              (std::map<std::string, std::string>{{"jpg", "J"}, {"seg.png", "P"}, {"txt", "T"}}));
    EXPECT_EQ(samples.next()->key, "b");
    EXPECT_FALSE(samples.next());
    EXPECT_FALSE(samples.next());
    samples.rewind();
  }
}

TEST(Tar, BrokenMembersAreReportedAndTheOthersRead) {
  const TemporaryFolder folder;
  const auto keys = read_all(write_tar(folder, {{"a.jpg", "1"},
                                                {"b.jpg", "2"},
                                                {"a.txt", "late"},
                                                {"b.jpg", "again"},
                                                {"../c.jpg", "3"},
                                                {"/d.jpg", "4"},
                                                {"e/../../f.jpg", "5"},
                                                {"g.jpg", std::string(1001, 'x')},
                                                {"h.jpg", "6"},
                                                {"h.jpg", "7"}}));
  ASSERT_EQ(keys.size(), 10u);
  expect_error(keys[1], "its key 'a' was read before");
  EXPECT_EQ(keys[0], "a");
  expect_error(keys[2], "member 'b.jpg' stands twice");
  expect_error(keys[3], "'../c.jpg' leads out of the archive");
  expect_error(keys[4], "leads out of the archive");
  expect_error(keys[5], "leads out of the archive");
  expect_error(keys[6], "member 'g.jpg' has 1001 bytes, at most 1000");
  EXPECT_EQ(keys[7], "b");
  expect_error(keys[8], "member 'h.jpg' stands twice");
  EXPECT_EQ(keys[9], "h");
}

TEST(Tar, ABrokenOffArchiveGivesItsWholeSamplesFirst) {
  const TemporaryFolder folder;
  const std::string whole =
      read_file(write_tar(folder, {{"a.jpg", std::string(600, 'a')}, {"b.jpg", std::string(600, 'b')}}));
  // Cut within the second member's bytes.
  const auto keys =
      read_all(folder.write("cut.tar", std::string_view(whole).substr(0, 512 + 1024 + 512 + 100)));
  ASSERT_EQ(keys.size(), 2u);
  expect_error(keys[0], "breaks off");
  EXPECT_EQ(keys[1], "a");
  expect_error(error_of([&] { TarSamples(folder.write("empty.tar", "")); }),
               "empty.tar] cannot be opened as a tar");
  expect_error(error_of([&] { TarSamples(folder.path() / "none.tar").next(); }), "none.tar");
  expect_error(error_of([&] { TarSamples(folder.write("text.tar", std::string(2000, 'x'))).next(); }),
               "text.tar");
}

TEST(Tar, TheSameMembersGiveTheSameBytes) {
  const TemporaryFolder one;
  const TemporaryFolder two;
  const Members members = {{"a.jpg", "1"}, {"a.txt", "2"}};
  EXPECT_EQ(read_file(write_tar(one, members)), read_file(write_tar(two, members)));
}

TEST(Jsonl, LinesAreCountedAndBadOnesPassedOver) {
  const TemporaryFolder folder;
  const auto file = folder.write("x.jsonl", "{\"a\": 1}\n\n  \nnonsense\n" + std::string(50, '7') + "\n[2]");
  JsonlReader reader(file, 40);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(reader.next()->number, 1);
    expect_error(error_of([&] { reader.next(); }), "x.jsonl, line 4] malformed JSON");
    expect_error(error_of([&] { reader.next(); }), "line 5] is longer than 40 bytes");
    const auto last = reader.next();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->number, 6);
    EXPECT_EQ(last->value[0], 2);
    EXPECT_FALSE(reader.next());
    reader.rewind();
  }
  expect_error(error_of([&] { JsonlReader(folder.path() / "none.jsonl"); }), "none.jsonl] cannot be opened");
}

}  // namespace
}  // namespace artemis

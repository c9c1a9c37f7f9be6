// Tar shards: samples, what is broken in them, and what is written.
#include "artemis/io/tar.h"

#include "artemis/io/atomic_file.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

using Members = std::vector<std::pair<std::string, std::string>>;

const std::filesystem::path corpus = std::filesystem::path(ARTEMIS_SOURCE_DIR) / "tests/fuzz/corpus/io_tar";

std::filesystem::path write_tar(const TemporaryFolder& folder, const Members& members) {
  const std::filesystem::path file = folder.path() / "shard.tar";
  TarWriter writer(file);
  for (const auto& [name, bytes] : members) writer.append(name, bytes);
  writer.close();
  return file;
}

// "key: part part" for each sample still to come, and the message of each error.
std::vector<std::string> read_all(TarSamples& samples) {
  std::vector<std::string> rows;
  for (int i = 0; i < 100; ++i) {
    try {
      const auto sample = samples.next();
      if (!sample) return rows;
      rows.push_back(sample->key + ":");
      for (const auto& [part, bytes] : sample->parts) rows.back() += " " + part;
    } catch (const Error& error) {
      rows.emplace_back(error.what());
    }
  }
  ADD_FAILURE() << "no end";
  return rows;
}

std::vector<std::string> read_all(const std::filesystem::path& file) {
  TarSamples samples(file, 1000);
  return read_all(samples);
}

TEST(Tar, SamplesAreGroupedByKey) {
  const TemporaryFolder folder;
  const auto file = write_tar(
      folder, {{"./a/0001.jpg", "J"}, {"./a/0001.seg.PNG", "P"}, {"./a/0001.txt", "T"}, {"b.json", "{}"}});
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

TEST(Tar, ReadsWhatPythonWrote) {
  const std::vector<std::string> two = {"0001: jpg txt", "0002: json png"};
  EXPECT_EQ(read_all(corpus / "samples"), two);
  EXPECT_EQ(read_all(corpus / "gzip"), two);
  EXPECT_EQ(read_all(corpus / "no-end-blocks"), two);
  EXPECT_EQ(read_all(corpus / "dot-slash"),
            (std::vector<std::string>{"d/0001: jpg txt", "d/0002: json png"}));
  EXPECT_EQ(read_all(corpus / "gnu-long"), std::vector<std::string>{std::string(150, 'n') + ": jpg"});
  std::string accents;
  for (int i = 0; i < 60; ++i) accents += "é";
  EXPECT_EQ(read_all(corpus / "pax-names"), (std::vector<std::string>{accents + ": jpg", "é: txt"}));
}

TEST(Tar, WhatIsNoSampleIsPassedOver) {
  EXPECT_EQ(read_all(corpus / "links-and-folders"), std::vector<std::string>{"a: jpg"});
  EXPECT_EQ(read_all(corpus / "dot-files"), (std::vector<std::string>{"a: jpg", "A: jpg"}));
  EXPECT_TRUE(read_all(corpus / "zeros").empty());
}

TEST(Tar, ABrokenSampleIsOneErrorAndTheOthersAreRead) {
  const TemporaryFolder folder;
  const auto rows = read_all(write_tar(folder, {{"a.jpg", "1"},
                                                {"b.jpg", "2"},
                                                {"a.txt", "late"},
                                                {"a.json", "late"},
                                                {"c.jpg", "3"},
                                                {"c.jpg", "again"},
                                                {"c.txt", "4"},
                                                {"../d.jpg", "5"},
                                                {"/e.jpg", "6"},
                                                {"f/../g.jpg", "7"},
                                                {"h.jpg", std::string(1001, 'x')},
                                                {"h.txt", "8"},
                                                {"i.jpg", std::string(600, 'x')},
                                                {"i.png", std::string(600, 'x')},
                                                {"j.jpg", "9"}}));
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(rows[0], "a: jpg");
  EXPECT_EQ(rows[1], "b: jpg");
  expect_error(rows[2], "shard.tar] member 'a.txt' comes after other samples, its key was read before");
  expect_error(rows[3], "shard.tar] member 'c.jpg' stands twice");
  expect_error(rows[4], "shard.tar] member '../d.jpg' leads out of the archive");
  expect_error(rows[5], "member '/e.jpg' leads out of the archive");
  expect_error(rows[6], "member 'f/../g.jpg' leads out of the archive");
  expect_error(rows[7], "member 'h.jpg' has 1001 bytes, at most 1000 are read");
  expect_error(rows[8], "sample 'i' has over 1000 bytes");
  EXPECT_EQ(rows[9], "j: jpg");
}

TEST(Tar, ADamagedHeaderLosesItsMemberAlone) {
  const auto rows = read_all(corpus / "damaged-header");  // that of 0001.txt
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], "0001: jpg");
  expect_error(rows[1], "a header is damaged");
  EXPECT_EQ(rows[2], "0002: json png");
}

// Cut to any length from the first header on: whole samples before the cut, at most one error, then the end.
TEST(Tar, ACutArchiveGivesItsWholeSamplesFirst) {
  const TemporaryFolder folder;
  const std::string whole =
      read_file(write_tar(folder, {{"a.jpg", std::string(600, 'a')}, {"b.jpg", std::string(600, 'b')}}));
  constexpr std::size_t member = 512 + 1024;
  for (std::size_t length = 512; length < 2 * member + 1024; length += 37) {
    SCOPED_TRACE(length);
    const auto rows = read_all(folder.write("cut.tar", std::string_view(whole).substr(0, length)));
    const std::size_t samples = (length >= 512 + 600 ? 1u : 0u) + (length >= member + 512 + 600 ? 1u : 0u);
    ASSERT_GE(rows.size(), samples);
    ASSERT_LE(rows.size(), samples + 1);
    const std::vector<std::string> expected = {"a: jpg", "b: jpg"};
    for (std::size_t i = 0; i < samples; ++i) EXPECT_EQ(rows[i], expected[i]);
    if (rows.size() > samples) expect_error(rows.back(), "cut.tar] ");
  }
  const auto rows = read_all(folder.write("cut.tar", std::string_view(whole).substr(0, member + 512 + 100)));
  ASSERT_EQ(rows.size(), 2u);
  expect_error(rows[1], "cut.tar] member 'b.jpg' breaks off");
  TarSamples compressed(corpus / "gzip-cut-late");
  EXPECT_EQ(compressed.next()->key, "a");
  expect_error(error_of([&] { compressed.next(); }), "member 'b.jpg' breaks off: truncated gzip input");
  EXPECT_FALSE(compressed.next());
}

TEST(Tar, WhatIsNoArchiveIsRefused) {
  const TemporaryFolder folder;
  expect_error(error_of([&] { TarSamples(folder.path() / "none.tar"); }), "none.tar] cannot be opened");
  expect_error(error_of([&] { TarSamples{folder.path()}; }), "cannot be opened");
  expect_error(error_of([&] { TarSamples{folder.write("empty.tar", "")}; }), "empty.tar] is empty");
  expect_error(error_of([&] { TarSamples{folder.write("text.tar", std::string(2000, 'x'))}; }),
               "text.tar] cannot be opened as a tar archive");
  expect_error(error_of([&] { TarSamples{folder.write("cut.tar", std::string(511, '\0'))}; }),
               "cut.tar] cannot be opened as a tar archive");
}

TEST(Tar, AnotherReaderGoesOnFromAnyPosition) {
  const TemporaryFolder folder;
  const auto shard = write_tar(
      folder,
      {{"a.jpg", "1"}, {"b.jpg", "2"}, {"b.jpg", "3"}, {"c.jpg", "4"}, {"a.txt", "5"}, {"d.jpg", "6"}});
  TarSamples first(shard);
  const std::vector<std::string> all = read_all(first);
  EXPECT_EQ(first.position(), 5);
  for (std::int64_t position = 5; position >= 0; --position) {
    TarSamples second(shard);
    second.skip_to(position);
    first.skip_to(position);
    EXPECT_EQ(first.position(), position);
    EXPECT_EQ(second.position(), position);
    EXPECT_EQ(read_all(second), std::vector<std::string>(all.begin() + position, all.end()));
  }
  expect_error(error_of([&] { first.skip_to(6); }), "has 5 samples, expected to go on after 6");
}

TEST(Tar, TheSameMembersGiveTheSameBytes) {
  const TemporaryFolder one;
  const TemporaryFolder two;
  const Members members = {
      {"a.jpg", "1"}, {"é/ü.txt", "2"}, {std::string(90, 'd') + "/" + std::string(90, 'f') + ".txt", "3"}};
  const auto file = write_tar(one, members);
  EXPECT_EQ(read_file(file), read_file(write_tar(two, members)));
  EXPECT_EQ(read_all(file).at(1), "é/ü: txt");
}

TEST(Tar, WriterFailuresNameTheFile) {
  const TemporaryFolder folder;
  expect_error(error_of([&] {
                 write_tar(folder, {{std::string(300, 'x'), ""}});
               }),
               "shard.tar] cannot be written: ");
  expect_error(error_of([&] { TarWriter(folder.path() / "none" / "x.tar"); }), "x.tar] cannot be created");
  { TarWriter unfinished(folder.path() / "x.tar"); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace artemis

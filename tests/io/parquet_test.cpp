// Parquet: the forms that Hugging Face datasets have, written by pyarrow
// (tests/golden/io/generate_parquet.py).
#include "artemis/io/parquet.h"

#include "artemis/io/atomic_file.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

const std::filesystem::path golden = std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "io" / "parquet";
constexpr std::int64_t rows = 12;

std::unique_ptr<ParquetFile> open(const std::filesystem::path& file) {
  return std::make_unique<ParquetFile>(open_bytes(file.string()));
}

std::string picture(std::int64_t row) { return fmt::format("picture {}", row) + std::string("\0\xff", 2); }

Json messages(std::int64_t row) {
  return {{{"role", "user"}, {"content", fmt::format("Which row is {}?", row)}},
          {{"role", "assistant"}, {"content", fmt::format("Row {}, naïve.", row)}}};
}

class Parquet : public testing::Test {
 protected:
  void SetUp() override {
    if (!ParquetFile::supported()) GTEST_SKIP() << "built without Apache Arrow";
  }
};

TEST_F(Parquet, PicturesAndCaptions) {
  const auto file = open(golden / "captions.parquet");
  ASSERT_EQ(file->rows(), rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const ParquetRow found = file->read(row);
    EXPECT_EQ(file->position(), row + 1);
    EXPECT_FALSE(found.messages);
    EXPECT_EQ(found.caption,
              row == 3 ? std::nullopt : std::optional(fmt::format(" A row of number {}.\n", row)));
    ASSERT_EQ(found.pictures.size(), row == 7 ? 0u : 1u);
    if (row == 7) continue;
    EXPECT_EQ(found.pictures[0].bytes, picture(row));
    EXPECT_EQ(found.pictures[0].path, row % 2 == 1 ? fmt::format("{}.png", row) : "");
  }
}

TEST_F(Parquet, SeveralPicturesAndMessagesAsText) {
  const auto file = open(golden / "messages.parquet");
  for (const std::int64_t row : {11, 0, 5, 4, 4, 6, 10, 1}) {  // in any order
    const ParquetRow found = file->read(row);
    EXPECT_EQ(found.pictures.size(), static_cast<std::size_t>(row % 3));
    for (const ParquetPicture& each : found.pictures) EXPECT_EQ(each.bytes, picture(row));
    ASSERT_TRUE(found.messages);
    EXPECT_EQ(parse_json(found.messages->get<std::string>(), "messages"), messages(row));
  }
}

TEST_F(Parquet, BareBytesAndMessagesAsStructs) {
  const auto file = open(golden / "structs.parquet");
  for (std::int64_t row = 0; row < rows; ++row) {
    const ParquetRow found = file->read(row);
    if (row % 4 != 0) {
      EXPECT_TRUE(found.pictures.empty());
    } else {
      ASSERT_EQ(found.pictures.size(), 1u);
      EXPECT_EQ(found.pictures[0].bytes, fmt::format("raw {}", row));
    }
    EXPECT_EQ(found.messages, messages(row));
  }
}

TEST_F(Parquet, WhatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  expect_error(error_of([&] { open(golden / "other.parquet"); }),
               "other.parquet] has none of the columns image, images");
  expect_error(error_of([&] { open(folder.write("x.parquet", "no parquet")); }),
               "x.parquet] cannot be read as Parquet");
  const std::string whole = read_file(golden / "captions.parquet");
  for (std::size_t length = 0; length < whole.size(); length += 101) {
    expect_error(
        error_of([&] { open(folder.write("cut.parquet", std::string_view(whole).substr(0, length))); }),
        "cut.parquet] ");
  }
}

// Damage in one row group: its rows are refused by number, those of the others are read.
TEST_F(Parquet, ADamagedRowGroupLosesItsOwnRowsAlone) {
  const TemporaryFolder folder;
  std::string bytes = read_file(golden / "structs.parquet");

  const std::size_t first = bytes.find("Which row is 5?");
  bytes[first - 1] = '\x7f';
  const auto file = open(folder.write("damaged.parquet", bytes));
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::string error = error_of([&] { EXPECT_EQ(file->read(row).messages, messages(row)); });
    if (error == "no error") continue;
    expect_error(error, "damaged.parquet] cannot be read as Parquet");
    EXPECT_TRUE(row >= 5 && row < 10) << row;
    ++refused;
  }
  EXPECT_EQ(refused, 5);
}

TEST(ParquetSupport, WithoutArrowTheFileIsNamed) {
  if (ParquetFile::supported()) GTEST_SKIP() << "built with Apache Arrow";
  expect_error(error_of([] { open(golden / "captions.parquet"); }),
               "captions.parquet] cannot be opened: this program was built without Apache Arrow");
}

}  // namespace
}  // namespace artemis

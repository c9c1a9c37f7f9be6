// Rows of Parquet files and of files behind an address, found first and read in any order.
#include "artemis/train/row_file.h"

#include "artemis/core/random.h"
#include "artemis/io/parquet.h"
#include "pipeline_data.h"
#include "support/http_server.h"

namespace artemis {
namespace {

using namespace test;

const std::string golden_rows = ARTEMIS_GOLDEN_DIR "/io/parquet/messages.parquet";
constexpr std::int64_t rows = 12;

std::vector<RowPlace> find_all(RowFile& file) {
  std::vector<RowPlace> places;
  while (const auto place = file.find_next()) places.push_back(*place);
  return places;
}

void expect_row(const Row& row, std::int64_t number) {
  EXPECT_EQ(row.key, fmt::format("messages.parquet:{}", number));
  EXPECT_EQ(row.messages[0]["content"], fmt::format("Which row is {}?", number));
  EXPECT_EQ(std::ssize(row.images), number % 3);
}

void shuffle(std::vector<RowPlace>& places, Random& random) {
  for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
}

TEST(RowFile, ParquetRowsAreReadInAnyOrder) {
  if (!ParquetFile::supported()) GTEST_SKIP() << "built without Apache Arrow";
  Random random(5);
  for (int trial = 0; trial < 20; ++trial) {
    const auto file = open_row_file(golden_rows);
    std::vector<RowPlace> places = find_all(*file);
    ASSERT_EQ(std::ssize(places), rows);
    shuffle(places, random);
    for (const RowPlace& place : places) expect_row(file->read(place), place.number);
  }
}

// As after a resume: some rows of the past are still to come, the others are not.
TEST(RowFile, ParquetRowsThatAnotherReaderFoundAreReadBesideNewOnes) {
  if (!ParquetFile::supported()) GTEST_SKIP() << "built without Apache Arrow";
  Random random(6);
  for (std::int64_t position = 0; position <= rows; ++position) {
    const auto file = open_row_file(golden_rows);
    file->skip_to(position);
    std::vector<RowPlace> places;
    for (std::int64_t row = 0; row < position; ++row) {
      if (random.below(2) == 0) places.push_back({.number = row, .offset = 0});
    }
    for (const RowPlace& place : places) file->expect(place);
    const std::vector<RowPlace> found = find_all(*file);
    EXPECT_EQ(std::ssize(found), rows - position);
    places.insert(places.end(), found.begin(), found.end());
    shuffle(places, random);
    for (const RowPlace& place : places) expect_row(file->read(place), place.number);
  }
  expect_error(error_of([] { open_row_file(golden_rows)->expect({.number = rows, .offset = 0}); }),
               "has 12 rows, expected one of number 12");
}

TEST(RowFile, AnAddressOfLinesHasItsPicturesBesideIt) {
  const HttpServer server(std::map<std::string, std::string>{
      {"/set/rows.jsonl",
       "{\"image\": \"photos/1.png\", \"caption\": \"A cat.\"}\n{\"image\": \"none.png\", "
       "\"caption\": \"A cat.\"}\n"},
      {"/set/photos/1.png", "picture"}});
  const auto file = open_row_file(server.url("/set/rows.jsonl?token=1"));
  const std::vector<RowPlace> places = find_all(*file);
  ASSERT_EQ(places.size(), 2u);
  const Row row = file->read(places[0]);
  EXPECT_EQ(row.key, "rows.jsonl:1");
  EXPECT_EQ(row.images.at(0).bytes, "picture");
  expect_error(error_of([&] { file->read(places[1]); }),
               "/set/none.png] cannot be fetched: the server answered 404");
}

}  // namespace
}  // namespace artemis

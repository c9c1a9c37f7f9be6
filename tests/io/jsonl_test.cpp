// JSONL: lines are counted, and bad ones passed over.
#include "artemis/io/jsonl.h"

#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

TEST(Jsonl, LinesAreCountedAndBadOnesPassedOver) {
  const TemporaryFolder folder;
  const std::string zero("1\0", 2);
  const auto file = folder.write("x.jsonl", "{\"a\": 1}\n\n  \r\nnonsense\n" + std::string(701, '7') +
                                                "\n[2]\r\n" + zero + "\n" + std::string(600, '[') + "\n3");
  JsonlReader reader(file, 700);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(reader.next()->number, 1);
    expect_error(error_of([&] { reader.next(); }), "x.jsonl, line 4] malformed JSON");
    expect_error(error_of([&] { reader.next(); }), "line 5] is longer than 700 bytes");
    const auto list = reader.next();
    ASSERT_TRUE(list);
    EXPECT_EQ(list->number, 6);
    EXPECT_EQ(list->value[0], 2);
    expect_error(error_of([&] { reader.next(); }), "line 7] malformed JSON: a zero at byte 1");
    expect_error(error_of([&] { reader.next(); }), "line 8] JSON nested deeper than 512");
    EXPECT_EQ(reader.next()->value, 3);  // without a line end
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.next());
    reader.rewind();
  }
}

TEST(Jsonl, AnEmptyFileHasNoLines) {
  const TemporaryFolder folder;
  EXPECT_FALSE(JsonlReader(folder.write("x.jsonl", "")).next());
}

TEST(Jsonl, WhatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  expect_error(error_of([&] { JsonlReader(folder.path() / "none.jsonl"); }),
               "none.jsonl] cannot be opened: No such file or directory");
  expect_error(error_of([&] { JsonlReader{folder.path()}; }), "is a directory");
}

}  // namespace
}  // namespace artemis

#include "artemis/core/error.h"

#include <gtest/gtest.h>

namespace artemis {
namespace {

TEST(Error, AMessageIsOneLine) {
  EXPECT_STREQ(Error("a.json", "the key 'x\ny\x7f' is bad").what(), "[a.json] the key 'x\\x0ay\\x7f' is bad");
  EXPECT_STREQ(Error("bild.jpg", "größer als 3").what(), "[bild.jpg] größer als 3");
}

TEST(Error, AVeryLongMessageLosesItsMiddleBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 100000; ++i) name += "é";
  const std::string message = Error("x", name + " is the end").what();
  EXPECT_LT(message.size(), 2200u);
  EXPECT_TRUE(message.starts_with("[x] éé"));
  EXPECT_TRUE(message.ends_with("éé is the end"));
  EXPECT_NE(message.find("bytes left out"), std::string::npos);
  const std::size_t gap = message.find(" ... ");
  EXPECT_EQ(message.substr(gap - 2, 2), "é");
  EXPECT_EQ(message.substr(message.rfind(" ... ") + 5, 2), "é");
}

}  // namespace
}  // namespace artemis

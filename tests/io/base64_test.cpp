#include "artemis/io/base64.h"

#include <gtest/gtest.h>

namespace artemis {
namespace {

TEST(Base64, AsInTheStandard) {
  // RFC 4648, section 10.
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64("\xFB\xFF\xFE"), "+//+");
}

}  // namespace
}  // namespace artemis

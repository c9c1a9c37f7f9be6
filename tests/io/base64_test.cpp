// Base64: what is encoded and decoded, and where what is refused goes wrong.
#include "artemis/io/base64.h"

#include <gtest/gtest.h>

#include "artemis/core/random.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;

std::string refusal(std::string_view text) {
  return error_of([&] { decode_base64(text, "x", 100); });
}

TEST(Base64, AsInTheStandard) {
  // RFC 4648, section 10.
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64("\xFB\xFF\xFE"), "+//+");
}

TEST(Base64, DecodingIsTheInverse) {
  Random random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    const std::vector<std::byte> decoded = decode_base64(encode_base64(bytes), "x", size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(decoded.data()), decoded.size()), bytes);
    if (size > 0) {
      EXPECT_THROW(decode_base64(encode_base64(bytes), "x", size - 1), TooLargeError);
    }
  }
}

TEST(Base64, NamesThePlaceOfWhatIsWrong) {
  EXPECT_EQ(refusal("AAA"), "[x] base64 of 3 characters, expected a multiple of 4, padded with '='");
  EXPECT_EQ(refusal("AA A"), "[x] base64 has byte 0x20 at 2, expected A-Z, a-z, 0-9, '+' or '/'");
  EXPECT_EQ(refusal("AAAAAA-_"), "[x] base64 has byte 0x2d at 6, expected A-Z, a-z, 0-9, '+' or '/'");
  expect_error(refusal("AA==AAAA"), "byte 0x3d at 2");
  expect_error(refusal("===="), "byte 0x3d at 0");
  expect_error(refusal("A==="), "byte 0x3d at 1");
  expect_error(refusal("AAAA\r\n=="), "byte 0x0d at 4");
  expect_error(refusal(std::string_view("AA\0A", 4)), "byte 0x00 at 2");
  expect_error(refusal("AAA\xFF"), "byte 0xff at 3");
  EXPECT_EQ(refusal("AB=="), "[x] base64 ends at 1 in a digit whose spare bits are set");
  EXPECT_EQ(refusal("AAAAAAB="), "[x] base64 ends at 6 in a digit whose spare bits are set");
}

}  // namespace
}  // namespace artemis

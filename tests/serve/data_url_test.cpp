// Base64 and data URLs: what is decoded, and where what is refused goes wrong.
#include "artemis/serve/data_url.h"

#include <openssl/evp.h>

#include "artemis/core/random.h"
#include "artemis/serve/base64.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;

std::string encoded(const std::vector<std::byte>& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::string refusal(std::string_view text) {
  return error_of([&] { decode_base64(text, "x", 100); });
}

std::string url_refusal(std::string_view url) {
  return error_of([&] { parse_data_url(url, "url", 100); });
}

TEST(Base64, IsTheInverseOfOpenSsl) {
  Random random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    EXPECT_EQ(decode_base64(encoded(bytes), "x", size), bytes);
    if (size > 0) {
      EXPECT_THROW(decode_base64(encoded(bytes), "x", size - 1), TooLargeError);
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

TEST(DataUrl, FormsThatClientsSend) {
  const std::vector<std::byte> hi{std::byte{'h'}, std::byte{'i'}};
  for (const char* url : {"data:image/png;base64,aGk=", "DATA:IMAGE/PNG;BASE64,aGk=",
                          "data:image/png;charset=utf-8;name=a.png;base64,aGk="}) {
    EXPECT_TRUE(is_data_url(url));
    const DataUrl data = parse_data_url(url, "url", 100);
    EXPECT_EQ(data.media_type, "image/png");
    EXPECT_EQ(data.bytes, hi);
  }
  EXPECT_FALSE(is_data_url("dat"));
  EXPECT_FALSE(is_data_url("https://example.org/data:"));
}

TEST(DataUrl, OthersAreRefusedWithThePlace) {
  EXPECT_EQ(url_refusal("image/png;base64,aGk="), "[url] is no data URL, expected data:image/png;base64,...");
  expect_error(url_refusal("data:image/png;base64"), "no comma in its first 256 characters");
  expect_error(url_refusal("data:" + std::string(300, 'a') + "/b;base64,aGk="), "no comma in its first");
  expect_error(url_refusal("data:,aGk="), "no media type at 5");
  expect_error(url_refusal("data:;base64,aGk="), "no media type at 5");
  expect_error(url_refusal("data:png;base64,aGk="), "no media type at 5");
  expect_error(url_refusal("data:image/;base64,aGk="), "no media type at 5");
  expect_error(url_refusal("data:image/p ng;base64,aGk="), "no media type at 5");
  expect_error(url_refusal("data:image/png,aGk="),
               "not in base64, expected ';base64' before the comma at 14");
  expect_error(url_refusal("data:image/png;base64;x=1,aGk="), "no parameter at 15");
  expect_error(url_refusal("data:image/png;;base64,aGk="), "no parameter at 15");
  expect_error(url_refusal("data:image/png;base64,aG k"), "byte 0x20 at 24");
  expect_error(url_refusal("data:image/png;base64,a%3D"), "byte 0x25 at 23");
  expect_error(url_refusal("data:image/png;base64,aGk"), "3 characters, expected a multiple of 4");
  EXPECT_THROW(parse_data_url("data:image/png;base64,aGlo", "url", 2), TooLargeError);
}

}  // namespace
}  // namespace artemis

// Data URLs: what is decoded, and where what is refused goes wrong.
#include "artemis/serve/data_url.h"

#include "artemis/io/base64.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;

std::string url_refusal(std::string_view url) {
  return error_of([&] { parse_data_url(url, "url", 100); });
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

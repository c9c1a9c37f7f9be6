#include "artemis/serve/data_url.h"

#include <algorithm>

#include "artemis/io/base64.h"
#include "artemis/serve/ascii.h"

namespace artemis {
namespace {

constexpr std::string_view scheme = "data:";
constexpr std::size_t most_header = 256;  // up to the comma; what clients send has a tenth of it

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower_ascii);
  return out;
}

// A token of RFC 2045.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != text.npos && is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

bool is_parameter(std::string_view text) {
  const std::size_t equals = text.find('=');
  return equals != text.npos && is_token(text.substr(0, equals)) && is_token(text.substr(equals + 1));
}

}  // namespace

bool is_data_url(std::string_view url) { return same_ignoring_case(url.substr(0, scheme.size()), scheme); }

DataUrl parse_data_url(std::string_view url, std::string_view where, std::size_t most_bytes) {
  require(is_data_url(url), where, "is no data URL, expected data:image/png;base64,...");
  const std::size_t comma = url.substr(0, most_header).find(',');
  require(comma != url.npos, where, "data URL has no comma in its first {} characters", most_header);
  std::size_t begin = scheme.size();
  DataUrl data;
  bool base64 = false;
  for (int part = 0; begin <= comma; ++part) {
    const std::size_t end = std::min(url.find(';', begin), comma);
    const std::string_view text = url.substr(begin, end - begin);
    if (part == 0) {
      require(is_media_type(text), where, "data URL has no media type at {}, expected image/png or the like",
              begin);
      data.media_type = lower(text);
    } else if (end == comma) {
      base64 = same_ignoring_case(text, "base64");
    } else {
      require(is_parameter(text), where, "data URL has no parameter at {}, expected NAME=VALUE", begin);
    }
    begin = end + 1;
  }
  require(base64, where, "data URL is not in base64, expected ';base64' before the comma at {}", comma);
  data.bytes = decode_base64(url.substr(comma + 1), where, most_bytes, comma + 1);
  return data;
}

}  // namespace artemis

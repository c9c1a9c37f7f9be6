// data: URLs (RFC 2397), as clients send pictures in them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace artemis {

struct DataUrl {
  std::string media_type;  // "image/png", lower case, without parameters
  std::vector<std::byte> bytes;
};

// Whether the text begins with "data:", in any case.
bool is_data_url(std::string_view url);

// data:TYPE/SUBTYPE[;NAME=VALUE]...;base64,DIGITS. Throws Error, naming the place and never the contents, for
// any other form; TooLargeError (io/base64.h) when there are more than `most_bytes`.
DataUrl parse_data_url(std::string_view url, std::string_view where, std::size_t most_bytes);

}  // namespace artemis

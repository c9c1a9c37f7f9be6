// Base64 with the alphabet of RFC 4648, section 4, padded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/core/error.h"

namespace artemis {

// What is sound but larger than the caller allows.
class TooLargeError : public Error {
 public:
  using Error::Error;
};

std::string encode_base64(std::string_view bytes);

// The bytes that `text` stands for; read strictly: padded, no white space, no spare bits set. Throws Error
// with the place of the first bad character, counted from `first`; TooLargeError, before anything is decoded,
// when they are more than `most_bytes`.
std::vector<std::byte> decode_base64(std::string_view text, std::string_view where, std::size_t most_bytes,
                                     std::size_t first = 0);

}  // namespace artemis

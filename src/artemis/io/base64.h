// Bytes as text: base64 with the alphabet of RFC 4648, section 4, padded.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

std::string encode_base64(std::string_view bytes);

}  // namespace artemis

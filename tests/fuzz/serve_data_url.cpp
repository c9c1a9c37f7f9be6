// Bytes as a data URL: Error, or a media type and what stands behind the comma.
#include <cstdint>
#include <string_view>

#include "artemis/io/base64.h"
#include "artemis/serve/data_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  try {
    const DataUrl parsed = parse_data_url(url, "fuzz", 1 << 20);
    ARTEMIS_ASSERT(is_data_url(url));
    ARTEMIS_ASSERT(parsed.media_type.find('/') != std::string::npos);
    ARTEMIS_ASSERT(parsed.bytes == decode_base64(url.substr(url.find(',') + 1), "fuzz", 1 << 20));
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

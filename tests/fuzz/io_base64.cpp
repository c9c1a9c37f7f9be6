// Bytes as base64: Error, or bytes that are encoded to the same text.
#include <cstdint>
#include <string_view>

#include "artemis/io/base64.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto bytes = decode_base64(text, "fuzz", 1 << 20);
    const std::string_view view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    ARTEMIS_ASSERT(encode_base64(view) == text);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

// Bytes as base64: Error, or bytes that OpenSSL encodes to the same text.
#include <openssl/evp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "artemis/serve/base64.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto bytes = decode_base64(text, "fuzz", 1 << 20);
    std::string again(size + 1, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(again.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    again.pop_back();
    ARTEMIS_ASSERT(again == text);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

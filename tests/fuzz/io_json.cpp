// Bytes as one JSON text: Error, or a value that is written and read back the same.
#include <cstdint>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  try {
    const Json value = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string text = value.dump();
    ARTEMIS_ASSERT(parse_json(text, "fuzz").dump() == text);
    json_get_or<bool>(value, "key", "fuzz", false);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

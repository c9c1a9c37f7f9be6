// Bytes as a safetensors file: Error or tensors whose bytes all lie in the file.
#include <cstdint>
#include <span>

#include "artemis/core/error.h"
#include "artemis/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const SafetensorsFile file = SafetensorsFile::parse(bytes, "fuzz");
    std::size_t stored = 0;
    for (const std::string& name : file.names()) {
      const SafetensorsEntry& entry = file.entry(name);
      ARTEMIS_ASSERT(entry.bytes().empty() ||
                     (entry.bytes().data() >= bytes.data() &&
                      entry.bytes().data() + entry.bytes().size() <= bytes.data() + bytes.size()));
      ARTEMIS_ASSERT(static_cast<std::size_t>(entry.count() * entry.bits()) == entry.bytes().size() * 8);
      stored += entry.bytes().size();
      try {
        ARTEMIS_ASSERT(file.tensor(name).bytes() == entry.bytes().size());
      } catch (const Error&) {
        continue;  // a dtype or rank that Tensor does not have
      }
    }
    ARTEMIS_ASSERT(stored < size);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

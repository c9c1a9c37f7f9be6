// Bytes as a tar archive: every sample is read or an Error, the reader comes to the end, and a second pass
// gives the same.
#include <vector>

#include "artemis/core/error.h"
#include "artemis/io/tar.h"
#include "io_common.h"

namespace artemis {
namespace {

// The keys, and "" for each error.
std::vector<std::string> read_all(TarSamples& samples, std::size_t most) {
  std::vector<std::string> keys;
  for (;;) {
    ARTEMIS_ASSERT(keys.size() <= most);
    try {
      const auto sample = samples.next();
      if (!sample) return keys;
      ARTEMIS_ASSERT(!sample->parts.empty());
      keys.push_back(sample->key);
    } catch (const Error&) {
      keys.emplace_back();
    }
  }
}

}  // namespace
}  // namespace artemis

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  static const FuzzFolder folder;
  try {
    TarSamples samples(folder.write("x.tar", data, size), 1 << 20);
    const std::vector<std::string> keys = read_all(samples, 1 << 20);
    samples.rewind();
    ARTEMIS_ASSERT(read_all(samples, keys.size()) == keys);
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

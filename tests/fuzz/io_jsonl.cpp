// Bytes as a JSONL file: every line is a value or an Error, and the reader comes to the end.
#include "artemis/io/jsonl.h"

#include "artemis/core/error.h"
#include "io_common.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace artemis;
  static const FuzzFolder folder;
  JsonlReader reader(folder.write("x.jsonl", data, size), 4096);
  for (std::size_t lines = 0;; ++lines) {
    ARTEMIS_ASSERT(lines <= size);
    try {
      if (!reader.next()) return 0;
    } catch (const Error&) {
      continue;
    }
  }
}

#include "image_common.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return artemis::fuzz_picture(data, size, artemis::ImageFormat::png);
}

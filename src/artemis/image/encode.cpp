#include "artemis/image/encode.h"

#include <png.h>

#include "artemis/core/error.h"

namespace artemis {

std::string encode_png(const Tensor& pixels) {
  ARTEMIS_ASSERT(pixels.dtype() == DType::u8 && pixels.shape().rank() == 3 && pixels.dim(2) == 3);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(pixels.dim(0));
  image.width = static_cast<png_uint_32>(pixels.dim(1));
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  const int done =
      png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data<std::uint8_t>(), 0, nullptr);
  require(done != 0, "PNG", "the picture cannot be encoded: {}", static_cast<const char*>(image.message));
  bytes.resize(size);
  return bytes;
}

}  // namespace artemis

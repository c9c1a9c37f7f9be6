#include "artemis/generate/request.h"

namespace artemis {

std::int64_t EngineRequest::picture_bytes() const {
  std::size_t bytes = 0;
  for (const EnginePicture& picture : pictures) bytes += picture.patches.pixel_values.bytes();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace artemis

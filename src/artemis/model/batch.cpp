#include "artemis/model/batch.h"

#include <cstring>

namespace artemis {

PictureBatch join_pictures(std::span<const PictureBatch* const> batches) {
  if (batches.size() == 1) return *batches.front();
  PictureBatch all;
  std::int64_t patches = 0;
  std::int64_t width = 0;
  for (const PictureBatch* batch : batches) {
    if (batch->empty()) continue;
    patches += batch->pixel_values.dim(0);
    width = batch->pixel_values.dim(1);
    all.grid_thw.insert(all.grid_thw.end(), batch->grid_thw.begin(), batch->grid_thw.end());
  }
  if (all.grid_thw.empty()) return all;
  all.pixel_values = Tensor::allocate(DType::f32, {patches, width});
  std::byte* end = all.pixel_values.mutable_raw();
  for (const PictureBatch* batch : batches) {
    if (batch->empty()) continue;
    std::memcpy(end, batch->pixel_values.raw(), batch->pixel_values.bytes());
    end += batch->pixel_values.bytes();
  }
  return all;
}

}  // namespace artemis

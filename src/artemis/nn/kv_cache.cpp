#include "artemis/nn/kv_cache.h"

namespace artemis {

KvCache::KvCache(DType dtype, std::int64_t layers, std::int64_t pages, std::int64_t page_size_,
                 std::int64_t kv_width, Device device)
    : page_size(page_size_) {
  const Shape shape{pages * page_size, kv_width};
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    keys.push_back(Tensor::allocate(dtype, shape, device));
    values.push_back(Tensor::allocate(dtype, shape, device));
  }
}

}  // namespace artemis

// Keys and values of the tokens so far, in pages.
#pragma once

#include <vector>

#include "artemis/core/context.h"

namespace artemis {

// One pool of pages for all layers and sequences: page p of a layer holds rows [p * page_size, (p + 1) *
// page_size).
struct KvCache {
  std::int64_t page_size = 0;
  std::vector<Tensor> keys;    // for each layer (pages * page_size, kv_heads * head_dim)
  std::vector<Tensor> values;  // likewise

  KvCache() = default;
  KvCache(DType dtype, std::int64_t layers, std::int64_t pages, std::int64_t page_size, std::int64_t kv_width,
          Device device = {});
};

// Where the tokens of one forward pass stand in the cache.
struct CacheStep {
  Tensor page_table;  // (sequences, max_pages) i32
  Tensor lengths;     // (sequences) i32, tokens in the cache after this pass
  Tensor rows;        // (tokens) i32, the cache row of each new token
};

}  // namespace artemis

#include "artemis/model/index_tensor.h"

namespace artemis {

Tensor index_tensor(Context& ctx, std::span<const std::int32_t> values, std::int64_t bound,
                    const char* what) {
  for (const std::int32_t value : values) {
    require(value >= 0 && value < bound, "batch", "{} {} is outside [0, {})", what, value, bound);
  }
  return ctx.upload(DType::i32, {static_cast<std::int64_t>(values.size())}, values.data());
}

}  // namespace artemis

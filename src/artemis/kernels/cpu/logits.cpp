#include "artemis/kernels/logits.h"

#include <cmath>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {

void edit_logits(Context& /*ctx*/, const Tensor& logits, std::span<const LogitEdit> edits) {
  for (const LogitEdit& edit : edits) {
    float& logit = mutable_row<float>(logits, edit.row)[edit.id];
    logit = (logit > 0.0f ? logit / edit.divide : logit * edit.divide) + edit.add;
  }
}

void mask_logits(Context& ctx, const Tensor& logits, std::span<const std::uint32_t> masks,
                 std::span<const std::int32_t> rows) {
  const auto vocabulary = static_cast<std::size_t>(logits.dim(1));
  const std::size_t words = (vocabulary + 31) / 32;
  ctx.pool().run(std::ssize(rows), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const auto mask = masks.subspan(at * words, words);
    float* own = mutable_row<float>(logits, rows[at]);
    for (std::size_t t = 0; t < vocabulary; ++t) {
      if ((mask[t / 32] >> (t % 32) & 1u) == 0) own[t] = -INFINITY;
    }
  });
}

}  // namespace artemis::cpu

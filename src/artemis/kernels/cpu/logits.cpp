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

void mask_logits(Context& ctx, const Tensor& logits, const Tensor& masks,
                 std::span<const std::int32_t> rows) {
  ctx.pool().run(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
    const auto* words = row<std::int32_t>(masks, i);
    auto* own = mutable_row<float>(logits, rows[static_cast<std::size_t>(i)]);
    for (std::int64_t t = 0; t < logits.dim(1); ++t) {
      if ((static_cast<std::uint32_t>(words[t / 32]) >> (t % 32) & 1u) == 0) own[t] = -INFINITY;
    }
  });
}

}  // namespace artemis::cpu

#include "artemis/model/language_loss.h"

#include <algorithm>

#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/index_tensor.h"

namespace artemis {
namespace {

// Logits of a chunk stay near this many elements (16 MiB in f32), whatever the vocabulary.
constexpr std::int64_t chunk_elements = std::int64_t{1} << 22;

}  // namespace

double language_loss(Context& ctx, const Tensor& d_hidden, const Tensor& d_lm_head, const Tensor& hidden,
                     const Tensor& lm_head, const Supervision& supervision, float scale) {
  const std::int64_t width = hidden.dim(1);
  const std::int64_t vocabulary = lm_head.dim(0);
  const std::int64_t chunk = std::clamp<std::int64_t>(chunk_elements / vocabulary, 16, 1024);
  if (d_hidden) fill(ctx, d_hidden, 0.0f);
  double sum = 0;
  const std::span<const std::int32_t> all_rows = supervision.rows;
  const std::span<const std::int32_t> all_labels = supervision.labels;
  for (std::int64_t begin = 0; begin < supervision.count(); begin += chunk) {
    const Arena::Scope scope(ctx.arena());
    const std::int64_t end = std::min(supervision.count(), begin + chunk);
    const auto first = static_cast<std::size_t>(begin);
    const auto count = static_cast<std::size_t>(end - begin);
    const Tensor rows = index_tensor(ctx, all_rows.subspan(first, count), hidden.dim(0), "supervised row");
    const Tensor labels = index_tensor(ctx, all_labels.subspan(first, count), vocabulary, "label");
    const Tensor x = ctx.allocate(hidden.dtype(), {end - begin, width});
    const Tensor logits = ctx.allocate(hidden.dtype(), {end - begin, vocabulary});
    const Tensor losses = ctx.allocate(DType::f32, {end - begin});
    const Tensor lse = ctx.allocate(DType::f32, {end - begin});
    gather_rows(ctx, x, hidden, rows);
    linear_forward(ctx, logits, x, lm_head, Tensor());
    cross_entropy_forward(ctx, losses, lse, logits, labels);
    const Tensor on_host = losses.to(Device{});
    for (const float loss : on_host.values<float>()) sum += static_cast<double>(loss);
    if (!d_hidden) continue;
    cross_entropy_backward(ctx, logits, logits, lse, labels, scale);
    if (d_lm_head) linear_backward_weight(ctx, d_lm_head, Tensor(), logits, x);
    linear_backward_input(ctx, x, logits, lm_head, false);
    scatter_rows(ctx, d_hidden, x, rows);
  }
  return sum;
}

}  // namespace artemis

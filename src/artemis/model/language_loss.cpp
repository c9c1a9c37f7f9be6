#include "artemis/model/language_loss.h"

#include <algorithm>
#include <cstring>

#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

// Logits of a chunk stay near this many elements (16 MiB in f32), whatever the vocabulary.
constexpr std::int64_t chunk_elements = std::int64_t{1} << 22;

Tensor indices(Context& ctx, const std::vector<std::int32_t>& values, std::int64_t begin, std::int64_t end) {
  const Tensor tensor = ctx.allocate(DType::i32, {end - begin});
  std::memcpy(tensor.mutable_raw(), values.data() + begin, tensor.bytes());
  return tensor;
}

}  // namespace

double language_loss(Context& ctx, const Tensor& d_hidden, const Tensor& d_lm_head, const Tensor& hidden,
                     const Tensor& lm_head, const Supervision& supervision, float scale) {
  const std::int64_t width = hidden.dim(1);
  const std::int64_t vocabulary = lm_head.dim(0);
  const std::int64_t chunk = std::clamp<std::int64_t>(chunk_elements / vocabulary, 16, 1024);
  if (d_hidden) fill(ctx, d_hidden, 0.0f);
  double sum = 0;
  for (std::int64_t begin = 0; begin < supervision.count(); begin += chunk) {
    const Arena::Scope scope(ctx.arena());
    const std::int64_t end = std::min(supervision.count(), begin + chunk);
    const Tensor rows = indices(ctx, supervision.rows, begin, end);
    const Tensor labels = indices(ctx, supervision.labels, begin, end);
    const Tensor x = ctx.allocate(hidden.dtype(), {end - begin, width});
    const Tensor logits = ctx.allocate(hidden.dtype(), {end - begin, vocabulary});
    const Tensor losses = ctx.allocate(DType::f32, {end - begin});
    const Tensor lse = ctx.allocate(DType::f32, {end - begin});
    gather_rows(ctx, x, hidden, rows);
    linear_forward(ctx, logits, x, lm_head, Tensor());
    cross_entropy_forward(ctx, losses, lse, logits, labels);
    for (const float loss : losses.values<float>()) sum += static_cast<double>(loss);
    if (!d_hidden) continue;
    cross_entropy_backward(ctx, logits, logits, lse, labels, scale);
    if (d_lm_head) linear_backward_weight(ctx, d_lm_head, Tensor(), logits, x);
    linear_backward_input(ctx, x, logits, lm_head, false);
    scatter_rows(ctx, d_hidden, x, rows);
  }
  return sum;
}

}  // namespace artemis

#include "artemis/model/language_loss.h"

#include <algorithm>

#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/linear.h"
#include "artemis/model/index_tensor.h"

namespace artemis {
namespace {

// Logits of a chunk stay near this many elements, whatever the vocabulary: they fit a processor's cache, or
// keep a GPU busy (256 MiB in bf16).
std::int64_t chunk_rows(Device device, std::int64_t vocabulary) {
  const std::int64_t elements = std::int64_t{1} << (device.kind == DeviceKind::cpu ? 22 : 27);
  return std::clamp<std::int64_t>(elements / vocabulary, 16, 1024);
}

float weight_of(const Supervision& supervision, std::int64_t i) {
  return supervision.weights.empty() ? 1.0f : supervision.weights[static_cast<std::size_t>(i)];
}

// The end of the chunk that starts at `begin`: chunks of about one size, of one weight each.
std::int64_t chunk_end(const Supervision& supervision, std::int64_t begin, std::int64_t most) {
  const std::int64_t left = supervision.count() - begin;
  const std::int64_t chunks = (left + most - 1) / most;
  const std::int64_t end = begin + (left + chunks - 1) / chunks;
  std::int64_t same = begin + 1;
  while (same < end && weight_of(supervision, same) == weight_of(supervision, begin)) ++same;
  return same;
}

}  // namespace

double language_loss(Context& ctx, const Tensor& d_hidden, const Tensor& d_lm_head, const Tensor& hidden,
                     const Tensor& lm_head, const Supervision& supervision, float scale) {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t count = supervision.count();
  const std::int64_t vocabulary = lm_head.dim(0);
  const std::int64_t most = chunk_rows(ctx.device(), vocabulary);
  const Tensor all_labels = index_tensor(ctx, supervision.labels, vocabulary, "label");
  const Tensor losses = ctx.allocate(DType::f32, {count});
  for (std::int64_t begin = 0, end = 0; begin < count; begin = end) {
    end = chunk_end(supervision, begin, most);
    const Arena::Scope chunk(ctx.arena());
    const Tensor x = hidden.rows(begin, end);
    const Tensor labels = all_labels.rows(begin, end);
    const Tensor logits = ctx.allocate(hidden.dtype(), {end - begin, vocabulary});
    const Tensor lse = ctx.allocate(DType::f32, {end - begin});
    linear_forward(ctx, logits, x, lm_head, Tensor());
    cross_entropy_forward(ctx, losses.rows(begin, end), lse, logits, labels);
    if (!d_hidden) continue;
    cross_entropy_backward(ctx, logits, logits, lse, labels, scale * weight_of(supervision, begin));
    if (d_lm_head) linear_backward_weight(ctx, d_lm_head, Tensor(), logits, x);
    linear_backward_input(ctx, d_hidden.rows(begin, end), logits, lm_head, false);
  }
  std::vector<float> on_host(static_cast<std::size_t>(count));
  ctx.copy(Tensor::wrap(on_host.data(), DType::f32, {count}, Device{}, nullptr, false), losses);
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(on_host[static_cast<std::size_t>(i)]) *
           static_cast<double>(weight_of(supervision, i));
  return sum;
}

}  // namespace artemis

#include "artemis/kernels/cross_entropy.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

void check_labels(const Context& ctx, const char* operation, const Tensor& logits, const Tensor& labels) {
  check_shape(ctx, operation, "logits", logits, {-1, -1});
  check_real(operation, "logits", logits);
  check_shape(ctx, operation, "labels", labels, {logits.dim(0)});
  check_dtype(operation, "labels", labels, DType::i32);
  if (ctx.device().kind != DeviceKind::cpu) return;
  for (std::int64_t i = 0; i < labels.dim(0); ++i) {
    const std::int32_t label = labels.data<std::int32_t>()[i];
    require(label >= 0 && label < logits.dim(1), operation,
            "label {} of row {} is outside the vocabulary of {}", label, i, logits.dim(1));
  }
}

void check_row_values(const Context& ctx, const char* operation, const char* name, const Tensor& tensor,
                      const Tensor& logits) {
  check_shape(ctx, operation, name, tensor, {logits.dim(0)});
  check_dtype(operation, name, tensor, DType::f32);
}

}  // namespace

void cross_entropy_forward(Context& ctx, const Tensor& loss, const Tensor& lse, const Tensor& logits,
                           const Tensor& labels) {
  check_labels(ctx, "cross_entropy", logits, labels);
  check_row_values(ctx, "cross_entropy", "loss", loss, logits);
  check_row_values(ctx, "cross_entropy", "lse", lse, logits);
  kernel_table(ctx.device()).cross_entropy_forward(ctx, loss, lse, logits, labels);
}

void cross_entropy_backward(Context& ctx, const Tensor& d_logits, const Tensor& logits, const Tensor& lse,
                            const Tensor& labels, float scale) {
  check_labels(ctx, "cross_entropy_backward", logits, labels);
  check_row_values(ctx, "cross_entropy_backward", "lse", lse, logits);
  check_shape(ctx, "cross_entropy_backward", "d_logits", d_logits, {logits.dim(0), logits.dim(1)});
  check_dtype("cross_entropy_backward", "d_logits", d_logits, logits.dtype());
  kernel_table(ctx.device()).cross_entropy_backward(ctx, d_logits, logits, lse, labels, scale);
}

}  // namespace artemis

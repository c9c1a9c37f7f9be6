#include "artemis/kernels/cuda/attention_forward.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {

void attention_forward(Context& ctx, const Tensor& out, const Tensor& lse, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& offsets, const AttentionOptions& options) {
  if (q.dim(0) == 0) return;
  dispatch_real(q.dtype(), [&](auto element) {
    using T = decltype(element);
    const ForwardTensors<T> tensors = {mutable_rows_of<T>(out),
                                       lse ? mutable_rows_of<float>(lse) : Rows<float>{}, rows_of<T>(q),
                                       rows_of<T>(k), rows_of<T>(v)};
    launch_attend_tiles(ctx, tensors, Pages{}, offsets, q.dim(0), options);
  });
}

}  // namespace artemis::cuda

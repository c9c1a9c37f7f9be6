#include "artemis/kernels/sum_words.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {

void sum_words(Context& ctx, const Tensor& sum, const Tensor& x) {
  constexpr const char* operation = "sum_words";
  check_shape(ctx, operation, "sum", sum, {1});
  check_dtype(operation, "sum", sum, DType::i64);
  require(x.defined() && x.contiguous() && x.bytes() % 16 == 0 && x.device() == ctx.device(), operation,
          "x is absent, elsewhere, with gaps, or no multiple of 16 bytes");
  kernel_table(ctx.device()).sum_words(ctx, sum, x);
}

}  // namespace artemis

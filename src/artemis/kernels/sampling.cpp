#include "artemis/kernels/sampling.h"

#include <cmath>

#include "artemis/kernels/check.h"
#include "artemis/kernels/sampling_weight.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

constexpr const char* operation = "sample_rows";

void check_row(const RowSampling& how) {
  require(how.temperature >= 0.0f && std::isfinite(how.temperature), operation,
          "temperature is {}, expected a number from 0 on", how.temperature);
  require(how.top_k >= 0, operation, "top_k is {}, expected a count from 0 on", how.top_k);
  require(how.top_p > 0.0f && how.top_p <= 1.0f, operation, "top_p is {}, expected one in (0, 1]", how.top_p);
  require(how.min_p >= 0.0f && how.min_p <= 1.0f, operation, "min_p is {}, expected one in [0, 1]",
          how.min_p);
  require(how.uniform >= 0.0 && how.uniform < 1.0, operation, "uniform is {}, expected one in [0, 1)",
          how.uniform);
}

}  // namespace

void sample_rows(Context& ctx, const Tensor& ids, const Tensor& logits, std::span<const RowSampling> rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  check_shape(ctx, operation, "logits", logits, {count, -1});
  check_dtype(operation, "logits", logits, DType::f32);
  require(logits.dim(1) > 0 && logits.dim(1) <= most_sampling_logits, operation,
          "a row has {} logits, expected 1 to {}", logits.dim(1), most_sampling_logits);
  check_shape(ctx, operation, "ids", ids, {count});
  check_dtype(operation, "ids", ids, DType::i32);
  for (const RowSampling& how : rows) check_row(how);
  kernel_table(ctx.device()).sample_rows(ctx, ids, logits, rows);
}

}  // namespace artemis

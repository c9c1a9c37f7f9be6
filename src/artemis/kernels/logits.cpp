#include "artemis/kernels/logits.h"

#include <cmath>

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {
namespace {

void check_logits(const Context& ctx, const char* operation, const Tensor& logits) {
  check_shape(ctx, operation, "logits", logits, {-1, -1});
  check_dtype(operation, "logits", logits, DType::f32);
}

void check_row(const char* operation, std::int32_t row, const Tensor& logits) {
  require(row >= 0 && row < logits.dim(0), operation, "row {} is outside the {} of logits", row,
          logits.dim(0));
}

}  // namespace

void edit_logits(Context& ctx, const Tensor& logits, std::span<const LogitEdit> edits) {
  constexpr const char* operation = "edit_logits";
  check_logits(ctx, operation, logits);
  for (const LogitEdit& edit : edits) {
    check_row(operation, edit.row, logits);
    require(edit.id >= 0 && edit.id < logits.dim(1), operation, "id {} is outside the {} columns of logits",
            edit.id, logits.dim(1));
    require(edit.divide > 0.0f && std::isfinite(edit.divide), operation,
            "divide is {}, expected a positive number", edit.divide);
    require(!std::isnan(edit.add), operation, "add is not a number");
  }
  kernel_table(ctx.device()).edit_logits(ctx, logits, edits);
}

void mask_logits(Context& ctx, const Tensor& logits, std::span<const std::uint32_t> masks,
                 std::span<const std::int32_t> rows) {
  constexpr const char* operation = "mask_logits";
  check_logits(ctx, operation, logits);
  const std::int64_t words = std::ssize(rows) * ((logits.dim(1) + 31) / 32);
  require(std::ssize(masks) == words, operation, "masks have {} words, expected {}", masks.size(), words);
  for (const std::int32_t row : rows) check_row(operation, row, logits);
  kernel_table(ctx.device()).mask_logits(ctx, logits, masks, rows);
}

}  // namespace artemis

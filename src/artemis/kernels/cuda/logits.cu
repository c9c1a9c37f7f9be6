#include "artemis/kernels/logits.h"

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

constexpr int threads = 256;

// A thread for each edit; as the CPU does, in two roundings.
__global__ void __launch_bounds__(threads) edit(Rows<float> logits, const LogitEdit* edits, int count) {
  let_next_start();
  wait_for_previous();
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  if (i >= count) return;
  const LogitEdit own = edits[i];
  float& logit = logits[own.row][own.id];
  const float kept = logit > 0.0f ? logit / own.divide : __fmul_rn(logit, own.divide);
  logit = __fadd_rn(kept, own.add);
}

// A warp's 32 neighbouring logits have one word of the mask.
__global__ void __launch_bounds__(threads)
    mask(Rows<float> logits, int cols, Rows<const std::uint32_t> masks, const std::int32_t* rows) {
  let_next_start();
  wait_for_previous();
  const int col = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  if (col >= cols) return;
  if ((masks[blockIdx.y][col / 32] >> (col % 32) & 1u) == 0) logits[rows[blockIdx.y]][col] = -INFINITY;
}

}  // namespace

void edit_logits(Context& ctx, const Tensor& logits, std::span<const LogitEdit> edits) {
  if (edits.empty()) return;
  const Arena::Scope scope(ctx.arena());
  const Tensor there = ctx.upload(DType::u8, {static_cast<std::int64_t>(edits.size_bytes())}, edits.data());
  launch_chained(ctx, edit, blocks_for(static_cast<std::int64_t>(edits.size()), threads), threads, 0,
                 mutable_rows_of<float>(logits), reinterpret_cast<const LogitEdit*>(there.raw()),
                 static_cast<int>(edits.size()));
}

void mask_logits(Context& ctx, const Tensor& logits, std::span<const std::uint32_t> masks,
                 std::span<const std::int32_t> rows) {
  if (rows.empty() || logits.dim(1) == 0) return;
  const Arena::Scope scope(ctx.arena());
  const Tensor rows_there = ctx.upload(DType::i32, {std::ssize(rows)}, rows.data());
  const Tensor masks_there =
      ctx.upload(DType::u8, {static_cast<std::int64_t>(masks.size_bytes())}, masks.data());
  const Rows<const std::uint32_t> words = {reinterpret_cast<const std::uint32_t*>(masks_there.raw()),
                                           (logits.dim(1) + 31) / 32};
  const dim3 grid(blocks_for(logits.dim(1), threads), static_cast<unsigned>(rows.size()));
  launch_chained(ctx, mask, grid, threads, 0, mutable_rows_of<float>(logits), static_cast<int>(logits.dim(1)),
                 words, rows_there.data<std::int32_t>());
}

}  // namespace artemis::cuda

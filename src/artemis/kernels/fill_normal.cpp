#include "artemis/kernels/fill_normal.h"

#include "artemis/kernels/check.h"
#include "artemis/kernels/table.h"

namespace artemis {

void fill_normal(Context& ctx, const Tensor& out, float deviation, std::uint64_t seed, std::uint64_t stream) {
  constexpr const char* operation = "fill_normal";
  require(out.defined() && out.contiguous(), operation, "out is absent or has gaps between its rows");
  require(out.device() == ctx.device(), operation, "out lives on {}, expected {}", device_name(out.device()),
          device_name(ctx.device()));
  check_real(operation, "out", out);
  kernel_table(ctx.device()).fill_normal(ctx, out, deviation, seed, stream);
}

}  // namespace artemis

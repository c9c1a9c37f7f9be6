#include "artemis/model/weights.h"

#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

constexpr std::size_t alignment = 256;

// Bytes from the start of one weight to that of the next.
std::size_t taken_bytes(const WeightSpec& spec, DType dtype) {
  const std::size_t bytes = static_cast<std::size_t>(spec.shape.count()) * dtype_size(dtype);
  return (bytes + alignment - 1) / alignment * alignment;
}

bool is_norm(const WeightSpec& spec) { return spec.shape.rank() == 1 && !spec.name.ends_with(".bias"); }

}  // namespace

std::size_t weight_bytes(const GraftConfig& config, DType dtype) {
  std::size_t bytes = 0;
  Graft shapes;
  for_each_weight(shapes, config,
                  [&](const WeightSpec& spec, Tensor&) { bytes += taken_bytes(spec, dtype); });
  return bytes;
}

Graft allocate_weights(const GraftConfig& config, DType dtype, Device device) {
  const Tensor bytes =
      Tensor::allocate(DType::u8, {static_cast<std::int64_t>(weight_bytes(config, dtype))}, device);
  const auto block = std::make_shared<const Tensor>(bytes);
  std::byte* at = bytes.mutable_raw();
  Graft model;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    weight = Tensor::wrap(at, dtype, held_shape(spec.shape), device, block, false);
    at += taken_bytes(spec, dtype);
  });
  return model;
}

Graft random_weights(Context& ctx, const GraftConfig& config, DType dtype, std::uint64_t seed) {
  Graft model = allocate_weights(config, dtype, ctx.device());
  std::uint64_t stream = 0;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    if (is_norm(spec)) {
      fill(ctx, weight, 1.0f);
    } else {
      fill_normal(ctx, weight, 0.02f, seed, stream);
    }
    ++stream;
  });
  return model;
}

}  // namespace artemis

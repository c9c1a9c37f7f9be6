#include "artemis/model/load.h"

#include "artemis/kernels/rows.h"
#include "artemis/model/weights.h"

namespace artemis {
namespace {

// The weight as the checkpoint holds it: a read-only view of the mapped file, in the shape that we hold.
Tensor stored_weight(const CheckpointReader& checkpoint, const WeightSpec& spec) {
  const Tensor stored = checkpoint.tensor(spec.name);
  require(stored.shape() == spec.shape, checkpoint.where(),
          "tensor '{}' has shape {}, config.json asks for {}", spec.name, stored.shape().to_string(),
          spec.shape.to_string());
  require(is_floating(stored.dtype()), checkpoint.where(), "tensor '{}' is {}, expected f32, bf16 or f16",
          spec.name, dtype_name(stored.dtype()));
  return stored.view(held_shape(spec.shape));
}

}  // namespace

Graft load_graft(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype) {
  const bool on_cpu = ctx.device().kind == DeviceKind::cpu;
  Graft model = on_cpu ? Graft() : allocate_weights(config, dtype, ctx.device());
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    const Tensor stored = stored_weight(checkpoint, spec);
    if (on_cpu && stored.dtype() == dtype) {
      weight = stored;
      return;
    }
    if (on_cpu) weight = Tensor::allocate(dtype, stored.shape());
    convert(ctx, weight, stored.to(ctx.device()));
  });
  ctx.synchronize();
  return model;
}

}  // namespace artemis

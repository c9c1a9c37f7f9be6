#include "artemis/model/load.h"

#include "artemis/kernels/rows.h"

namespace artemis {

Graft load_graft(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype) {
  Graft model;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    const Tensor stored = checkpoint.tensor(spec.name);
    require(stored.shape() == spec.shape, checkpoint.where(),
            "tensor '{}' has shape {}, config.json asks for {}", spec.name, stored.shape().to_string(),
            spec.shape.to_string());
    require(is_floating(stored.dtype()), checkpoint.where(), "tensor '{}' is {}, expected f32, bf16 or f16",
            spec.name, dtype_name(stored.dtype()));
    const Tensor held = stored.view(held_shape(spec.shape)).to(ctx.device());
    weight = held;
    if (held.dtype() == dtype) return;
    weight = Tensor::allocate(dtype, held.shape(), ctx.device());
    convert(ctx, weight, held);
  });
  return model;
}

}  // namespace artemis

#include "artemis/model/load.h"

#include <algorithm>

#include "artemis/core/gpu_uploader.h"
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

// A weight of the checkpoint and its place on the device.
struct Arrival {
  Tensor stored;
  Tensor weight;
};

Upload upload_to(std::byte* to, const Tensor& stored) { return {to, stored.raw(), stored.bytes()}; }

// Weights of another dtype than ours: as many as fit into one piece of memory on the device are brought there
// as they are, and converted from it.
void upload_and_convert(Context& ctx, GpuUploader& uploader, std::span<const Arrival> arrivals) {
  constexpr std::size_t least_staged = std::size_t{256} << 20;
  constexpr std::size_t alignment = 256;
  std::size_t staged_bytes = least_staged;
  for (const Arrival& arrival : arrivals)
    staged_bytes = std::max(staged_bytes, arrival.stored.bytes() + alignment);
  const Tensor staged = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(staged_bytes)}, ctx.device());
  for (std::size_t begin = 0; begin < arrivals.size();) {
    std::vector<Upload> uploads;
    std::size_t end = begin;
    for (std::size_t used = 0; end < arrivals.size(); ++end) {
      const Tensor& stored = arrivals[end].stored;
      if (used + stored.bytes() > staged_bytes) break;
      uploads.push_back(upload_to(staged.mutable_raw() + used, stored));
      used += (stored.bytes() + alignment - 1) / alignment * alignment;
    }
    uploader.upload(uploads);
    for (std::size_t i = begin; i < end; ++i) {
      const Tensor& stored = arrivals[i].stored;
      convert(
          ctx, arrivals[i].weight,
          Tensor::wrap(uploads[i - begin].to, stored.dtype(), stored.shape(), ctx.device(), nullptr, true));
    }
    ctx.synchronize();  // the next ones take the same memory
    begin = end;
  }
}

Graft load_to_gpu(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype) {
  std::vector<Tensor> stored;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    stored.push_back(stored_weight(checkpoint, spec));  // all are checked before memory is taken
  });
  Graft model = allocate_weights(config, dtype, ctx.device());
  std::vector<Arrival> arrivals;
  for_each_weight(model, config, [&](const WeightSpec&, Tensor& weight) {
    arrivals.push_back({stored[arrivals.size()], weight});
  });
  std::ranges::sort(arrivals, std::less(), [](const Arrival& a) { return a.stored.raw(); });
  const auto others = std::stable_partition(arrivals.begin(), arrivals.end(), [&](const Arrival& arrival) {
    return arrival.stored.dtype() == dtype;
  });
  std::vector<Upload> uploads;
  for (auto arrival = arrivals.begin(); arrival != others; ++arrival)
    uploads.push_back(upload_to(arrival->weight.mutable_raw(), arrival->stored));
  GpuUploader uploader(ctx.device(), ctx.pool());
  uploader.upload(uploads);
  if (others != arrivals.end()) upload_and_convert(ctx, uploader, {others, arrivals.end()});
  return model;
}

}  // namespace

Graft load_graft(Context& ctx, const CheckpointReader& checkpoint, const GraftConfig& config, DType dtype) {
  if (ctx.device().kind == DeviceKind::cuda) return load_to_gpu(ctx, checkpoint, config, dtype);
  Graft model;
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    weight = stored_weight(checkpoint, spec);
    if (weight.dtype() == dtype) return;
    const Tensor stored = weight;
    weight = Tensor::allocate(dtype, stored.shape());
    convert(ctx, weight, stored);
  });
  return model;
}

}  // namespace artemis

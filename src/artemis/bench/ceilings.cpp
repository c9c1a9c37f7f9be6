#include "artemis/bench/ceilings.h"

#include <fstream>

#include "artemis/bench/timing.h"
#include "artemis/core/gpu.h"
#include "artemis/core/gpu_uploader.h"
#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "artemis/kernels/sum_words.h"

namespace artemis::bench {
namespace {

bool on_gpu(const Context& ctx) { return ctx.device().kind == DeviceKind::cuda; }

double product_rate(Context& ctx, DType dtype) {
  const std::int64_t size = on_gpu(ctx) ? 8192 : 1024;
  const Tensor x = random_tensor(ctx, dtype, {size, size}, 1.0f, 1);
  const Tensor w = random_tensor(ctx, dtype, {size, size}, 1.0f, 2);
  const Tensor out = Tensor::allocate(dtype, {size, size}, ctx.device());
  const double seconds = median_seconds(ctx, [&] { linear_forward(ctx, out, x, w, Tensor()); });
  return 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size) / seconds /
         1e9;
}

// Far larger than the caches.
Tensor large_tensor(Context& ctx) {
  const std::int64_t bytes = std::int64_t{1} << (on_gpu(ctx) ? 31 : 28);
  return random_tensor(ctx, DType::f32, {bytes / 4096, 1024}, 1.0f, 3);
}

double read_rate(Context& ctx, const Tensor& large) {
  const Tensor sum = Tensor::zeros(DType::i64, {1}, ctx.device());
  const double seconds = median_seconds(ctx, [&] { sum_words(ctx, sum, large); });
  return static_cast<double>(large.bytes()) / seconds / 1e9;
}

double copy_rate(Context& ctx, const Tensor& large) {
  const Tensor to = Tensor::allocate(large.dtype(), large.shape(), ctx.device());
  const double seconds = median_seconds(ctx, [&] { convert(ctx, to, large); });
  return 2.0 * static_cast<double>(large.bytes()) / seconds / 1e9;
}

double upload_rate(Context& ctx, const Tensor& large) {
  const Tensor part = large.rows(0, std::int64_t{1} << 16);
  const std::shared_ptr<void> pinned = gpu_allocate_pinned(ctx.device(), part.bytes());
  const Tensor host = Tensor::wrap(pinned.get(), part.dtype(), part.shape(), Device{}, pinned, false);
  ctx.copy(host, part);
  const double seconds = median_seconds(ctx, [&] { ctx.copy(part, host); });
  return static_cast<double>(part.bytes()) / seconds / 1e9;
}

}  // namespace

Tensor random_tensor(Context& ctx, DType dtype, const Shape& shape, float scale, std::uint64_t seed) {
  const Tensor values = Tensor::allocate(dtype, shape, ctx.device());
  fill_normal(ctx, values, scale, seed, 0);
  return values;
}

Ceilings measure_ceilings(Context& ctx) {
  Ceilings ceilings;
  ceilings.product_f32 = product_rate(ctx, DType::f32);
  ceilings.product_bf16 = product_rate(ctx, DType::bf16);
  const Tensor large = large_tensor(ctx);
  ceilings.read = read_rate(ctx, large);
  ceilings.copy = copy_rate(ctx, large);
  if (on_gpu(ctx)) ceilings.upload = upload_rate(ctx, large);
  return ceilings;
}

Json to_json(const Ceilings& ceilings) {
  Json json = {{"product_f32_gflop_s", ceilings.product_f32},
               {"product_bf16_gflop_s", ceilings.product_bf16},
               {"read_gb_s", ceilings.read},
               {"copy_gb_s", ceilings.copy}};
  if (ceilings.upload > 0) json["upload_gb_s"] = ceilings.upload;
  return json;
}

std::string machine_name(Device device) {
  if (device.kind == DeviceKind::cuda) return gpu_name(device);
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace artemis::bench

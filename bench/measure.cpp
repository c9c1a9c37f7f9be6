#include <algorithm>
#include <chrono>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "bench.h"

namespace artemis::bench {

double median_seconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < 5 || (total < 0.5 && seconds.size() < 1000)) {
    const auto start = Clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += seconds.back();
  }
  std::ranges::nth_element(seconds, seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2));
  return seconds[seconds.size() / 2];
}

Tensor random_tensor(DType dtype, const Shape& shape, float scale, Random& random) {
  Tensor values = Tensor::allocate(DType::f32, shape);
  for (float& value : values.mutable_values<float>()) value = random.normal() * scale;
  if (dtype == DType::f32) return values;
  Context ctx(Device{}, 1);
  Tensor converted = Tensor::allocate(dtype, shape);
  convert(ctx, converted, values);
  return converted;
}

namespace {

double gemm_rate(Context& ctx, DType dtype) {
  constexpr std::int64_t size = 1024;
  Random random(1);
  const Tensor x = random_tensor(dtype, {size, size}, 1.0f, random);
  const Tensor w = random_tensor(dtype, {size, size}, 1.0f, random);
  const Tensor out = Tensor::allocate(dtype, {size, size});
  const double seconds = median_seconds([&] { linear_forward(ctx, out, x, w, Tensor()); });
  return 2.0 * static_cast<double>(size * size * size) / seconds / 1e9;
}

// Sums of 64-bit words; far larger than the caches.
double read_rate(Context& ctx) {
  constexpr std::int64_t words = std::int64_t{1} << 25;
  std::vector<std::uint64_t> data(static_cast<std::size_t>(words));
  Random random(2);
  for (std::size_t i = 0; i < data.size(); i += 512) data[i] = random.next_u64();
  std::vector<std::uint64_t> sums(64);
  const double seconds = median_seconds([&] {
    ctx.pool().run(64, [&](std::int64_t tile) {
      const auto part = static_cast<std::size_t>(words / 64);
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < part; ++i) sum += data[static_cast<std::size_t>(tile) * part + i];
      sums[static_cast<std::size_t>(tile)] = sum;
    });
  });
  return static_cast<double>(words) * 8.0 / seconds / 1e9;
}

}  // namespace

Ceilings measure_ceilings(Context& ctx) {
  return {gemm_rate(ctx, DType::f32), gemm_rate(ctx, DType::bf16), read_rate(ctx)};
}

}  // namespace artemis::bench

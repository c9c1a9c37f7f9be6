// Attention at true size, forward and backward, beside the rate of products.
#include "artemis/kernels/attention.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "artemis/bench/ceilings.h"
#include "artemis/bench/timing.h"
#include "artemis/core/gpu.h"

namespace artemis::bench {
namespace {

struct Case {
  const char* name;
  std::int64_t sequences, length, heads, kv_heads, head_dim;
  bool causal;
};

// A3's decoder and tower.
constexpr Case cases[] = {{"Stage 1, 8 samples", 8, 480, 32, 8, 128, true},
                          {"Stage 1, 2 samples", 2, 480, 32, 8, 128, true},
                          {"prefill", 1, 2048, 32, 8, 128, true},
                          {"tower, 1 picture", 1, 1024, 16, 16, 72, false},
                          {"tower, 8 pictures", 8, 1024, 16, 16, 72, false}};

class Bench {
 public:
  explicit Bench(Context& ctx) : ctx_(ctx), ceilings_(measure_ceilings(ctx)) {
    fmt::print("{}, product {:.0f} TFLOP/s\n", machine_name(ctx.device()), ceilings_.product_bf16 / 1e3);
  }

  void one(const Case& c) {
    const std::int64_t tokens = c.sequences * c.length;
    const AttentionOptions options{.heads = c.heads,
                                   .kv_heads = c.kv_heads,
                                   .head_dim = c.head_dim,
                                   .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                                   .causal = c.causal};
    const std::int64_t queries = c.heads * c.head_dim;
    const std::int64_t keys = c.kv_heads * c.head_dim;
    const auto normal = [&](std::int64_t columns) {
      return random_tensor(ctx_, DType::bf16, {tokens, columns}, 1.0f, seed_++);
    };
    // As the layers have them: columns of one matrix.
    const auto parts = [&](const Tensor& qkv) {
      return std::vector{qkv.columns(0, queries), qkv.columns(queries, queries + keys),
                         qkv.columns(queries + keys, queries + 2 * keys)};
    };
    const std::vector<Tensor> in = parts(normal(queries + 2 * keys));
    const std::vector<Tensor> gradients = parts(normal(queries + 2 * keys));
    const Tensor out = normal(queries);
    const Tensor d_out = normal(queries);
    const Tensor lse = Tensor::allocate(DType::f32, {tokens, c.heads}, ctx_.device());
    Tensor offsets = Tensor::allocate(DType::i32, {c.sequences + 1});
    for (std::int64_t s = 0; s <= c.sequences; ++s)
      offsets.mutable_data<std::int32_t>()[s] = static_cast<std::int32_t>(s * c.length);
    offsets = offsets.to(ctx_.device());

    const double pairs = static_cast<double>(tokens * c.length) * (c.causal ? 0.5 : 1.0);
    const double product = 2.0 * pairs * static_cast<double>(queries);
    print(c.name, "forward", 2 * product,
          [&] { attention_forward(ctx_, out, lse, in[0], in[1], in[2], offsets, options); });
    print(c.name, "backward", 5 * product, [&] {
      attention_backward(ctx_, gradients[0], gradients[1], gradients[2], d_out, out, lse, in[0], in[1], in[2],
                         offsets, options);
    });
  }

 private:
  // Many at once, so that launching hides.
  void print(const char* name, const char* pass, double flop, const std::function<void()>& work) {
    constexpr int times = 20;
    const double seconds = median_seconds(ctx_,
                                          [&] {
                                            for (int i = 0; i < times; ++i) work();
                                          }) /
                           times;
    const double rate = flop / seconds / 1e9;
    fmt::print("{:<18} {:<8} {:>8.1f} us {:>5.0f} TFLOP/s {:>4.0f} %\n", name, pass, 1e6 * seconds,
               rate / 1e3, 100 * rate / ceilings_.product_bf16);
    std::fflush(stdout);
  }

  Context& ctx_;
  Ceilings ceilings_;
  std::uint64_t seed_ = 1;
};

}  // namespace
}  // namespace artemis::bench

int main() {
  try {
    artemis::Context ctx(artemis::Device{artemis::DeviceKind::cuda, 0}, 1);
    artemis::bench::Bench bench(ctx);
    for (const auto& c : artemis::bench::cases) bench.one(c);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_attention: {}\n", error.what());
    return 1;
  }
}

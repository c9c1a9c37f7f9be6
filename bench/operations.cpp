// Operations one by one, at the shapes of a small decoder: products against the product ceiling, the rest
// against memory.
#include <numeric>

#include "artemis/kernels/activation.h"
#include "artemis/kernels/attention.h"
#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"
#include "bench.h"

namespace artemis::bench {
namespace {

struct Bench {
  Context& ctx;
  const Ceilings& ceilings;
  std::vector<Line>& lines;
  DType dtype;
  std::uint64_t tensors = 0;  // made so far, each from a seed of its own

  Tensor random(const Shape& shape, float scale) {
    return random_tensor(ctx, dtype, shape, scale, tensors++);
  }
  std::string name(const std::string& what) const { return fmt::format("{} {}", what, dtype_name(dtype)); }
  double products() const { return dtype == DType::f32 ? ceilings.product_f32 : ceilings.product_bf16; }

  void add_flop(const std::string& what, double seconds, double flop) const {
    lines.push_back({name(what), seconds * 1e6, "us", flop / seconds / 1e9, products(), "GFLOP/s"});
  }
  void add_bytes(const std::string& what, double seconds, double bytes) const {
    lines.push_back({name(what), seconds * 1e6, "us", bytes / seconds / 1e9, ceilings.read, "GB/s"});
  }

  void linear(std::int64_t tokens, std::int64_t in, std::int64_t out) {
    const Tensor x = random({tokens, in}, 1.0f);
    const Tensor w = random({out, in}, 0.02f);
    const Tensor y = Tensor::allocate(dtype, {tokens, out});
    const double seconds = median_seconds([&] { linear_forward(ctx, y, x, w, Tensor()); });
    const std::string what = fmt::format("linear {} x {} x {}", tokens, in, out);
    if (tokens == 1) {
      add_bytes(what, seconds, static_cast<double>(w.bytes()));
    } else {
      add_flop(what, seconds, 2.0 * static_cast<double>(tokens * in * out));
    }
  }

  void attention(bool causal) {
    constexpr std::int64_t tokens = 1024;
    const AttentionOptions options{
        .heads = 8, .kv_heads = 8, .head_dim = 64, .scale = 0.125f, .causal = causal};
    const Shape shape{tokens, 512};
    const Tensor q = random(shape, 1.0f);
    const Tensor k = random(shape, 1.0f);
    const Tensor v = random(shape, 1.0f);
    const Tensor d_out = random(shape, 1.0f);
    const Tensor out = Tensor::allocate(dtype, shape);
    const Tensor lse = Tensor::allocate(DType::f32, {tokens, 8});
    const std::int32_t ends[] = {0, tokens};
    const Tensor offsets = Tensor::from<std::int32_t>(ends, {2});
    const double flop = 4.0 * tokens * tokens * 512.0 * (causal ? 0.5 : 1.0);
    const std::string kind = causal ? "causal" : "bidirectional";
    add_flop("attention " + kind + " 1024 x 8 x 64",
             median_seconds([&] { attention_forward(ctx, out, lse, q, k, v, offsets, options); }), flop);
    const Tensor d_q = Tensor::allocate(dtype, shape);
    const Tensor d_k = Tensor::allocate(dtype, shape);
    const Tensor d_v = Tensor::allocate(dtype, shape);
    add_flop("attention " + kind + " backward", median_seconds([&] {
               attention_backward(ctx, d_q, d_k, d_v, d_out, out, lse, q, k, v, offsets, options);
             }),
             2.5 * flop);
  }

  void pointwise() {
    const Shape shape{1024, 4096};
    const Tensor x = random(shape, 1.0f);
    const Tensor up = random(shape, 1.0f);
    const Tensor out = Tensor::allocate(dtype, shape);
    const Tensor weight = random({4096}, 1.0f);
    const Tensor rstd = Tensor::allocate(DType::f32, {1024});
    const auto bytes = static_cast<double>(x.bytes());
    add_bytes("RMSNorm 1024 x 4096",
              median_seconds([&] { rms_norm_forward(ctx, out, rstd, x, weight, 1e-5f); }), 2 * bytes);
    add_bytes("SwiGLU 1024 x 4096", median_seconds([&] { gated_forward(ctx, out, x, up, Activation::silu); }),
              3 * bytes);
    add_bytes("GELU (tanh) 1024 x 4096",
              median_seconds([&] { activation_forward(ctx, out, x, Activation::gelu_tanh); }), 2 * bytes);
    std::vector<std::int32_t> ids(1024);
    std::iota(ids.begin(), ids.end(), 0);
    const Tensor labels = Tensor::from<std::int32_t>(ids, {1024});
    const Tensor loss = Tensor::allocate(DType::f32, {1024});
    const Tensor lse = Tensor::allocate(DType::f32, {1024});
    add_bytes("cross-entropy 1024 x 4096",
              median_seconds([&] { cross_entropy_forward(ctx, loss, lse, x, labels); }), bytes);
  }
};

}  // namespace

void bench_operations(Context& ctx, const Ceilings& ceilings, std::vector<Line>& lines) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Bench bench{.ctx = ctx, .ceilings = ceilings, .lines = lines, .dtype = dtype};
    bench.linear(512, 1024, 1024);
    bench.linear(512, 1024, 2816);
    bench.linear(1, 1024, 32768);
    bench.attention(false);
    bench.attention(true);
    bench.pointwise();
  }
}

}  // namespace artemis::bench

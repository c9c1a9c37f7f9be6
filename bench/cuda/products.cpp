// The products of decoding at true size, one by one: our kernels and cuBLASLt's beside the rate at which the
// weights can be read, and how far their results lie apart.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>

#include "artemis/bench/ceilings.h"
#include "artemis/bench/timing.h"
#include "artemis/core/gpu.h"
#include "artemis/kernels/cuda/few_rows.cuh"
#include "artemis/kernels/cuda/product.h"
#include "artemis/kernels/table.h"

namespace artemis::bench {
namespace {

struct Shapes {
  const char* name;
  std::int64_t n, k;
  bool gated = false;  // n of gate and n of up
  DType out = DType::bf16;
  bool residual = false;
};

// A3's.
constexpr Shapes all_shapes[] = {{"q, k, v", 6144, 5120},
                                 {"attention out", 5120, 4096, false, DType::bf16, true},
                                 {"gate, up", 14336, 5120, true},
                                 {"down", 5120, 14336, false, DType::bf16, true},
                                 {"head", 131072, 5120, false, DType::f32}};

struct Arguments {
  Tensor out, x, residual;
  Tensor weights;  // (n, k), or (2 n, k): gate above up
};

using Multiply = bool (*)(Context&, const Shapes&, const Arguments&);

Tensor gate_of(const Shapes& s, const Arguments& a) { return a.weights.rows(0, s.n); }
Tensor up_of(const Shapes& s, const Arguments& a) { return a.weights.rows(s.n, 2 * s.n); }

bool by_few_rows(Context& ctx, const Shapes& s, const Arguments& a) {
  if (s.gated)
    return cuda::few_rows_gated_linear(ctx, a.out, a.x, gate_of(s, a), up_of(s, a), Activation::silu);
  return cuda::few_rows_linear(ctx, a.out, a.x, a.weights, {}, {.activation = {}, .residual = a.residual});
}

bool by_cublaslt(Context& ctx, const Shapes& s, const Arguments& a) {
  if (!s.gated)
    return cuda::try_multiply(
        ctx, {.out = a.out, .a = a.x, .b = a.weights, .b_transposed = true, .addend = a.residual});
  const Arena::Scope scope(ctx.arena());
  const Tensor both = ctx.allocate(a.out.dtype(), {a.out.dim(0), 2 * s.n});
  if (!cuda::try_multiply(ctx, {.out = both, .a = a.x, .b = a.weights, .b_transposed = true})) return false;
  cuda::gated_forward(ctx, a.out, both.columns(0, s.n), both.columns(s.n, 2 * s.n), Activation::silu);
  return true;
}

struct Way {
  const char* name;
  Multiply multiply;
};
constexpr Way ways[] = {{"few_rows", by_few_rows}, {"cuBLASLt", by_cublaslt}};

std::vector<double> on_host(const Tensor& tensor) {
  const Tensor here = tensor.to(Device{});
  std::vector<double> values;
  for (std::int64_t i = 0; i < here.count(); ++i) {
    values.push_back(here.dtype() == DType::f32
                         ? static_cast<double>(here.data<float>()[i])
                         : static_cast<double>(static_cast<float>(here.data<bfloat16>()[i])));
  }
  return values;
}

// The largest difference over the largest magnitude.
double difference(const std::vector<double>& values, const std::vector<double>& expected) {
  double largest = 0;
  double apart = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double d = std::abs(values[i] - expected[i]);
    if (!(d <= apart)) apart = d;  // or not a number
  }
  return apart / largest;
}

class Bench {
 public:
  Bench(Context& ctx, double read_gb_s) : ctx_(ctx), read_(read_gb_s) {}

  void shapes(const Shapes& s, const std::vector<std::int64_t>& rows) {
    const std::int64_t height = s.gated ? 2 * s.n : s.n;
    const std::int64_t bytes = height * s.k * 2;
    // More than the second cache holds, so that all are read from memory.
    const auto count =
        static_cast<std::size_t>(std::clamp<std::int64_t>((std::int64_t{1} << 30) / bytes, 2, 16));
    std::vector<Tensor> weights;
    for (std::size_t i = 0; i < count; ++i)
      weights.push_back(random_tensor(ctx_, DType::bf16, {height, s.k}, 0.02f, i + 1));
    for (const std::int64_t m : rows) one(s, m, weights, static_cast<double>(bytes));
  }

 private:
  void one(const Shapes& s, std::int64_t m, const std::vector<Tensor>& weights, double bytes) {
    Arguments a{.out = Tensor::allocate(s.out, {m, s.n}, ctx_.device()),
                .x = random_tensor(ctx_, DType::bf16, {m, s.k}, 1.0f, 77),
                .residual = s.residual ? random_tensor(ctx_, s.out, {m, s.n}, 1.0f, 78) : Tensor(),
                .weights = weights.front()};
    const bool checked = by_cublaslt(ctx_, s, a);
    const std::vector<double> expected = checked ? on_host(a.out) : std::vector<double>();
    for (const Way& way : ways) {
      fill(a.out);
      a.weights = weights.front();
      if (!way.multiply(ctx_, s, a)) continue;
      const double apart = checked ? difference(on_host(a.out), expected) : NAN;
      const double seconds = seconds_of_each(s, a, way, weights);
      const double rate = bytes / seconds / 1e9;
      fmt::print("{:<14} {:>3} {:<9} {:>8.2f} us {:>7.0f} GB/s {:>4.0f} %  apart {:.1e}\n", s.name, m,
                 way.name, 1e6 * seconds, rate, 100 * rate / read_, apart);
    }
    std::fflush(stdout);
  }

  // What no product gives.
  void fill(const Tensor& out) { cuda::fill(ctx_, out, NAN); }

  // One after the other with different weights, as one graph.
  double seconds_of_each(const Shapes& s, Arguments a, const Way& way, const std::vector<Tensor>& weights) {
    const int times = weights.size() < 4 ? 8 : 48;
    const GpuGraph graph(ctx_.gpu(), [&] {
      for (int i = 0; i < times; ++i) {
        a.weights = weights[static_cast<std::size_t>(i) % weights.size()];
        way.multiply(ctx_, s, a);
      }
    });
    graph.launch(ctx_.gpu());
    std::vector<double> seconds;
    for (int i = 0; i < 9; ++i) seconds.push_back(seconds_of(ctx_, [&] { graph.launch(ctx_.gpu()); }));
    return median(seconds) / times;
  }

  Context& ctx_;
  double read_;
};

int run(int argc, char** argv) {
  CLI::App app("Measures the products of decoding beside the rate of reading.", "bench_products");
  std::vector<std::int64_t> rows = {1, 4, 8, 16, 32};
  std::string only;
  app.add_option("--rows", rows, "Rows of x");
  app.add_option("--only", only, "One of the products, by its name");
  app.footer("Example:  bench_products --rows 8 32 --only down");
  CLI11_PARSE(app, argc, argv);
  Context ctx(Device{DeviceKind::cuda, 0}, 1);
  const Ceilings ceilings = measure_ceilings(ctx);
  fmt::print("{}, read {:.0f} GB/s\n", machine_name(ctx.device()), ceilings.read);
  Bench bench(ctx, ceilings.read);
  for (const Shapes& s : all_shapes) {
    if (only.empty() || only == s.name) bench.shapes(s, rows);
  }
  return 0;
}

}  // namespace
}  // namespace artemis::bench

int main(int argc, char** argv) {
  try {
    return artemis::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_products: {}\n", error.what());
    return 1;
  }
}

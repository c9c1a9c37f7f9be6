#include "artemis/kernels/cuda/product_plans.h"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/core/cuda.h"
#include "artemis/kernels/plan_file.h"

namespace artemis::cuda {
namespace {

using Algorithm = cublasLtMatmulAlgo_t;

constexpr int max_candidates = 12;
constexpr double min_measured_flop = 50e6;
constexpr double min_fitted_flop = 50e9;

// Above 16 the next of 8 to 16 steps an octave.
std::int64_t rounded_up(std::int64_t tokens) {
  std::int64_t step = 1;
  while (16 * step < tokens) step *= 2;
  return (tokens + step - 1) / step * step;
}

// The key of all products that share what is measured: tokens are the rows of a product, or what a weight's
// gradient sums over.
ProductKey family(ProductKey key) {
  std::int64_t& tokens = key.a_transposed != 0 ? key.k : key.m;
  tokens = rounded_up(tokens);
  return key;
}

std::string name_of(const ProductKey& key) { return fmt::format("{}", fmt::join(key.values(), ".")); }

struct Hash {
  std::size_t operator()(const ProductKey& key) const {
    std::uint64_t hash = 0;
    for (const std::int64_t value : key.values()) {
      hash = (hash ^ static_cast<std::uint64_t>(value)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

void check(cudaError_t status, const char* call) {
  require(status == cudaSuccess, "cuda", "{} failed: {}", call, cudaGetErrorString(status));
}

void check(cublasStatus_t status, const char* call) {
  require(status == CUBLAS_STATUS_SUCCESS, "cublas", "{} failed: {}", call, cublasLtGetStatusString(status));
}

cublasLtMatmulPreferenceOpaque_t preference(Context& ctx, const ProductKey& key) {
  cublasLtMatmulPreferenceOpaque_t opaque;
  check(cublasLtMatmulPreferenceInit(&opaque), "cublasLtMatmulPreferenceInit");
  const auto set = [&opaque](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    check(cublasLtMatmulPreferenceSetAttribute(&opaque, attribute, &value, sizeof(value)),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  const auto bytes = [](std::int64_t alignment) { return static_cast<std::uint32_t>(alignment); };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{ctx.gpu().workspace().size()});
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      std::uint32_t{key.invariant != 0 ? CUBLASLT_REDUCTION_SCHEME_NONE
                                       : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, bytes(key.b_alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, bytes(key.a_alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, bytes(key.addend_alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, bytes(key.out_alignment));
  return opaque;
}

// The heuristic's choices, the best first; none where the library has no kernel.
std::vector<Algorithm> candidates(Context& ctx, ProductCall& call, int count) {
  cublasLtMatmulPreferenceOpaque_t wanted = preference(ctx, call.key);
  std::array<cublasLtMatmulHeuristicResult_t, max_candidates> results{};
  int found = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(products(ctx), &call.operation, &call.a, &call.b, &call.addend,
                                     &call.out, &wanted, count, results.data(), &found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return {};
  check(status, "cublasLtMatmulAlgoGetHeuristic");
  std::vector<Algorithm> algorithms;
  for (const auto& result : std::span(results).first(static_cast<std::size_t>(found))) {
    if (result.state == CUBLAS_STATUS_SUCCESS) algorithms.push_back(result.algo);
  }
  return algorithms;
}

// Whether the library takes the algorithm for this product; if so, waves is how many times over its tiles
// fill the GPU.
bool accepts(Context& ctx, ProductCall& call, const Algorithm& algorithm, float* waves = nullptr) {
  cublasLtMatmulHeuristicResult_t result{};
  if (cublasLtMatmulAlgoCheck(products(ctx), &call.operation, &call.a, &call.b, &call.addend, &call.out,
                              &algorithm, &result) != CUBLAS_STATUS_SUCCESS ||
      result.workspaceSize > ctx.gpu().workspace().size()) {
    return false;
  }
  if (waves != nullptr) *waves = result.wavesCount;
  return true;
}

template <typename T>
void configure(Algorithm& algorithm, cublasLtMatmulAlgoConfigAttributes_t attribute, T value) {
  check(cublasLtMatmulAlgoConfigSetAttribute(&algorithm, attribute, &value, sizeof(value)),
        "cublasLtMatmulAlgoConfigSetAttribute");
}

std::vector<std::uint32_t> tiles_of(const Algorithm& algorithm) {
  std::size_t bytes = 0;
  check(cublasLtMatmulAlgoCapGetAttribute(&algorithm, CUBLASLT_ALGO_CAP_TILE_IDS, nullptr, 0, &bytes),
        "cublasLtMatmulAlgoCapGetAttribute");
  std::vector<std::uint32_t> tiles(bytes / sizeof(std::uint32_t));
  check(
      cublasLtMatmulAlgoCapGetAttribute(&algorithm, CUBLASLT_ALGO_CAP_TILE_IDS, tiles.data(), bytes, &bytes),
      "cublasLtMatmulAlgoCapGetAttribute");
  return tiles;
}

// The heuristic passes by tiles of unusual sizes whose last wave leaves little of the GPU idle: the first
// candidate with the large tiles that give a multiprocessor the least to do.
std::vector<Algorithm> fitting_tiles(Context& ctx, ProductCall& call, const Algorithm& like) {
  constexpr double least_tile = 160 * 128;  // elements; smaller ones wait for memory
  constexpr std::size_t most_fits = 6;
  struct Fit {
    Algorithm algorithm;
    double elements;  // of a multiprocessor, those of an unfilled wave included
  };
  std::vector<Fit> fits;
  int multiprocessors = 0;
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, ctx.device().index),
        "cudaDeviceGetAttribute");
  const double of_each = static_cast<double>(call.key.m * call.key.n) / multiprocessors;
  for (const std::uint32_t tile : tiles_of(like)) {
    Algorithm algorithm = like;
    configure(algorithm, CUBLASLT_ALGO_CONFIG_TILE_ID, tile);
    float waves = 0;
    if (!accepts(ctx, call, algorithm, &waves) || waves <= 0 || of_each / waves < least_tile) continue;
    fits.push_back({algorithm, std::ceil(waves) * of_each / waves});
  }
  std::ranges::stable_sort(fits, {}, &Fit::elements);
  fits.resize(std::min(fits.size(), most_fits));
  std::vector<Algorithm> algorithms;
  for (Fit& fit : fits) {
    algorithms.push_back(fit.algorithm);
    for (const std::uint16_t cluster : {CUBLASLT_CLUSTER_SHAPE_2x1x1, CUBLASLT_CLUSTER_SHAPE_1x2x1}) {
      configure(fit.algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, cluster);
      if (accepts(ctx, call, fit.algorithm)) algorithms.push_back(fit.algorithm);
    }
  }
  return algorithms;
}

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { static_cast<void>(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// Times algorithms with the arguments of a call.
class Stopwatch {
 public:
  Stopwatch(Context& ctx, ProductCall& call) : ctx_(ctx), call_(call) {}

  // The shortest of a few runs; less where the first says that it takes far longer than `best`, and infinite
  // where the library refuses.
  float milliseconds(const Algorithm& algorithm, float best) {
    float shortest = INFINITY;
    for (int i = 0; i < repeats; ++i) {
      check(cudaEventRecord(start_.get(), stream(ctx_)), "cudaEventRecord");
      if (run(ctx_, call_, algorithm) != CUBLAS_STATUS_SUCCESS) return INFINITY;
      check(cudaEventRecord(end_.get(), stream(ctx_)), "cudaEventRecord");
      check(cudaEventSynchronize(end_.get()), "cudaEventSynchronize");
      float time = 0;
      check(cudaEventElapsedTime(&time, start_.get(), end_.get()), "cudaEventElapsedTime");
      shortest = std::min(shortest, time);
      if (i > 0 && shortest > 1.3f * best) break;  // the first run may load the kernel
    }
    return shortest;
  }

 private:
  static constexpr int repeats = 6;

  Context& ctx_;
  ProductCall& call_;
  Event start_, end_;
};

// The fastest algorithm. A product that adds to its output is measured elsewhere; where the GPU has no room
// for that, the heuristic's first choice is all there is: none is returned.
std::optional<Algorithm> measured(Context& ctx, ProductCall call, const std::vector<Algorithm>& algorithms) {
  std::shared_ptr<void> elsewhere;
  if (call.key.addend == 1) {
    if (gpu_free_bytes(ctx.device()) < 2 * call.out_bytes) return {};
    elsewhere = gpu_allocate(ctx.device(), call.out_bytes);
    gpu_zero(ctx.device(), elsewhere.get(), call.out_bytes);
    call.out_data = elsewhere.get();
    call.addend_data = elsewhere.get();
  }
  Stopwatch watch(ctx, call);
  std::optional<Algorithm> fastest;
  float best = INFINITY;
  for (const Algorithm& algorithm : algorithms) {
    const float time = watch.milliseconds(algorithm, best);
    if (time < best) {
      best = time;
      fastest = algorithm;
    }
  }
  return fastest;
}

// A call's product with as many rows as its key says, over zeros; the weights and the bias are the call's.
class RowsOfKey {
 public:
  RowsOfKey(Device device, const ProductCall& call) : call_(call) {
    const ProductKey& key = call.key;
    const auto type = [](std::int64_t value) { return static_cast<cudaDataType>(value); };
    call_.b = rows(type(key.dtype), key.k, key.a_stride);
    call_.out = rows(type(key.out_dtype), key.n, key.out_stride);
    call_.addend = rows(type(key.out_dtype), key.n, key.addend_stride);
    const std::int64_t widest = std::max({key.a_stride, key.out_stride, key.addend_stride});
    const std::size_t bytes = static_cast<std::size_t>(key.m * widest) * sizeof(float);
    memory_ = gpu_allocate(device, 3 * bytes);
    gpu_zero(device, memory_.get(), 3 * bytes);
    auto* const memory = static_cast<std::byte*>(memory_.get());
    call_.b_data = memory;
    call_.out_data = memory + bytes;
    call_.addend_data = key.addend == 2 ? memory + 2 * bytes : memory + bytes;
    call_.out_bytes = bytes;
  }
  RowsOfKey(const RowsOfKey&) = delete;
  RowsOfKey& operator=(const RowsOfKey&) = delete;

  ProductCall& call() { return call_; }

 private:
  cublasLtMatrixLayoutOpaque_t rows(cudaDataType type, std::int64_t width, std::int64_t stride) const {
    cublasLtMatrixLayoutOpaque_t opaque;
    check(cublasLtMatrixLayoutInit(&opaque, type, static_cast<std::uint64_t>(width),
                                   static_cast<std::uint64_t>(call_.key.m), stride),
          "cublasLtMatrixLayoutInit");
    return opaque;
  }

  ProductCall call_;
  std::shared_ptr<void> memory_;
};

bool is_recording(Context& ctx) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream(ctx), &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

bool measures() {
  const char* value = std::getenv("ARTEMIS_PRODUCT_PLANS");
  const std::string_view how = value == nullptr ? "measure" : value;
  require(how == "measure" || how == "heuristic", "cuda",
          "ARTEMIS_PRODUCT_PLANS is '{}', expected measure or heuristic", how);
  return how == "measure";
}

// Empty where there is no folder for it.
std::filesystem::path plan_path(Device device) {
  const std::filesystem::path folder = cache_folder();
  if (folder.empty()) return folder;
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device.index), "cudaGetDeviceProperties");
  std::string name = fmt::format("products-{}-cublaslt-{}", properties.name, cublasLtGetVersion());
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '/'; }, '-');
  return folder / (name + ".plans");
}

// The plans of this process for one GPU.
class Plans {
 public:
  explicit Plans(Device device)
      : measures_(measures()), file_(measures_ ? plan_path(device) : std::filesystem::path()) {}

  const Algorithm* find(Context& ctx, ProductCall& call) {
    const std::lock_guard lock(mutex_);
    auto plan = plans_.find(call.key);
    if (plan == plans_.end()) plan = plans_.emplace(call.key, first_choice(ctx, call)).first;
    return plan->second ? &*plan->second : nullptr;
  }

 private:
  std::optional<Algorithm> first_choice(Context& ctx, ProductCall& call) {
    if (call.key.invariant == 0) return choose(ctx, call);
    RowsOfKey rows(ctx.device(), call);
    return choose(ctx, rows.call());
  }

  std::optional<Algorithm> choose(Context& ctx, ProductCall& call) {
    const double flop = 2.0 * static_cast<double>(call.key.m) * static_cast<double>(call.key.n) *
                        static_cast<double>(call.key.k);
    const bool worth_measuring = measures_ && flop >= min_measured_flop;
    if (worth_measuring) {
      if (const auto known = remembered(ctx, call)) return known;
    }
    const bool measure = worth_measuring && !is_recording(ctx);
    std::vector<Algorithm> found = candidates(ctx, call, measure ? max_candidates : 1);
    if (measure && !found.empty() && flop >= min_fitted_flop) {
      std::ranges::copy(fitting_tiles(ctx, call, found.front()), std::back_inserter(found));
    }
    if (measure) {
      if (const auto fastest = measured(ctx, call, found)) {
        file_.put(name_of(family(call.key)), to_hex(&*fastest, sizeof(Algorithm)));
        return fastest;
      }
    }
    return found.empty() ? std::optional<Algorithm>() : found.front();
  }

  // What an earlier run, or a product of the same family, has chosen.
  std::optional<Algorithm> remembered(Context& ctx, ProductCall& call) {
    Algorithm algorithm{};
    const std::string* text = file_.find(name_of(family(call.key)));
    if (text == nullptr || !from_hex(*text, &algorithm, sizeof(algorithm))) return {};
    return accepts(ctx, call, algorithm) ? std::optional(algorithm) : std::nullopt;
  }

  bool measures_;
  std::mutex mutex_;
  std::unordered_map<ProductKey, std::optional<Algorithm>, Hash> plans_;
  PlanFile file_;
};

Plans& plans_for(Device device) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<Plans>> all;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Plans>& plans = all[device.index];
  if (plans == nullptr) plans = std::make_unique<Plans>(device);
  return *plans;
}

}  // namespace

std::array<std::int64_t, ProductKey::size> ProductKey::values() const {
  return {m,
          n,
          k,
          a_stride,
          b_stride,
          addend_stride,
          out_stride,
          a_transposed,
          b_transposed,
          dtype,
          out_dtype,
          a_alignment,
          b_alignment,
          addend_alignment,
          out_alignment,
          epilogue,
          addend,
          invariant};
}

cublasStatus_t run(Context& ctx, ProductCall& call, const cublasLtMatmulAlgo_t& algorithm) {
  const float one = 1.0f;
  const float beta = call.key.addend != 0 ? 1.0f : 0.0f;
  const std::span<std::byte> workspace = ctx.gpu().workspace();
  return cublasLtMatmul(products(ctx), &call.operation, &one, call.a_data, &call.a, call.b_data, &call.b,
                        &beta, call.addend_data, &call.addend, call.out_data, &call.out, &algorithm,
                        workspace.data(), workspace.size(), stream(ctx));
}

const cublasLtMatmulAlgo_t* plan_of(Context& ctx, ProductCall& call) {
  return plans_for(ctx.device()).find(ctx, call);
}

}  // namespace artemis::cuda

#include "artemis/kernels/cuda/few_rows.cuh"

#include <algorithm>

#include "artemis/kernels/cuda/activation.cuh"
#include "artemis/kernels/cuda/arrival_barrier.cuh"
#include "artemis/kernels/cuda/warp_mma.cuh"

namespace artemis::cuda {
namespace {

constexpr int most_rows = 8;                      // of x: half of the rows of an MMA, the others are zero
constexpr int tile_columns = 8;                   // of out, an MMA's columns: as many rows of the weights
constexpr int warps = 8;                          // of a block that multiply; they share out the sum over k
constexpr int threads = (warps + 1) * warp_size;  // and a warp that stores
constexpr int vector = 8;                         // elements in 16 bytes
constexpr int step_vectors = 4;                   // that a lane copies at a time
constexpr int unit = 4 * vector;  // elements of a row that the four lanes of a row copy together
constexpr int step = step_vectors * unit;
constexpr int sums_size = most_rows * tile_columns;
constexpr int most_stages = 8;   // steps in flight
constexpr int least_stages = 4;  // where x leaves no room for more
constexpr int buffers = 2;       // tiles whose sums wait to be stored

// What a launch computes; `gate` and `up` of a gated product, else `gate` alone.
template <typename Out>
struct FewRows {
  Rows<Out> out;
  Rows<const bfloat16> x;
  Rows<const bfloat16> gate, up;
  const bfloat16* bias;      // may be null
  Rows<const Out> residual;  // data may be null
  Activation activation;
  bool activated;
  int rows, columns, k;
  int blocks;
  int steps;  // along k, of a warp; the last may lie outside

  __host__ __device__ int tiles() const { return (columns + tile_columns - 1) / tile_columns; }
  // Elements between rows of x in shared memory: 64 bytes over a multiple of 128, so that the lanes of two
  // rows read distinct banks.
  __host__ __device__ int x_stride() const { return warps * steps * step + unit; }
};

__device__ int lane() { return static_cast<int>(threadIdx.x) % warp_size; }
__device__ int warp() { return static_cast<int>(threadIdx.x) / warp_size; }

// Where this warp's part of k begins.
template <typename Out>
__device__ int part_of(const FewRows<Out>& p) {
  return warp() * p.steps * step;
}

// Where a warp stands in its weights: along its part of k, then the up rows of a gated product, then the next
// of the block's tiles.
template <int matrices, typename Out>
class Cursor {
 public:
  __device__ explicit Cursor(const FewRows<Out>& p)
      : column_(part_of(p) + lane() % 4 * vector), tile_(static_cast<int>(blockIdx.x)) {
    find_row(p);
  }

  __device__ bool done(const FewRows<Out>& p) const { return tile_ >= p.tiles(); }

  // The elements of this lane in unit `u` of the step; null outside the matrix.
  __device__ const bfloat16* source(const FewRows<Out>& p, int u) const {
    const int column = column_ + at_ * step + u * unit;
    return inside_ && column < p.k ? row_ + column : nullptr;
  }

  __device__ void advance(const FewRows<Out>& p) {
    if (++at_ < p.steps) return;
    at_ = 0;
    if (++matrix_ == matrices) {
      matrix_ = 0;
      tile_ += static_cast<int>(gridDim.x);
    }
    find_row(p);
  }

 private:
  __device__ void find_row(const FewRows<Out>& p) {
    const int row = tile_ * tile_columns + lane() / 4;
    inside_ = row < p.columns;
    row_ = (matrices == 1 || matrix_ == 0 ? p.gate : p.up)[inside_ ? row : 0];
  }

  const bfloat16* row_ = nullptr;
  int column_;
  int tile_;
  int at_ = 0;
  int matrix_ = 0;
  bool inside_ = false;
};

// The weights of a warp on their way. Each lane copies what it reads itself, so that none waits for another.
template <int matrices, int stages, typename Out>
class WeightRing {
 public:
  __device__ WeightRing(const FewRows<Out>& p, uint4* slots)
      : slots_(slots + warp() * stages * step_vectors * warp_size + lane()), cursor_(p) {}

  // Asks for all that fits.
  __device__ void fill(const FewRows<Out>& p) {
    for (int i = 0; i < stages; ++i) request(p);
  }

  // The next step, to be given back with request().
  __device__ void receive(uint4 (&weights)[step_vectors]) {
    wait_for_copies<stages - 1>();
#pragma unroll
    for (int u = 0; u < step_vectors; ++u) weights[u] = slot(u);
  }

  // Refills the stage that was received last.
  __device__ void request(const FewRows<Out>& p) {
    if (!cursor_.done(p)) {
#pragma unroll
      for (int u = 0; u < step_vectors; ++u) {
        const bfloat16* source = cursor_.source(p, u);
        copy_async(&slot(u), source != nullptr ? source : p.gate.data, source != nullptr);
      }
      cursor_.advance(p);
      // The memory falls idle soon: the next kernel may come and ask for its weights.
      if (cursor_.done(p)) let_next_start();
    }
    end_copies();
    stage_ = stage_ + 1 < stages ? stage_ + 1 : 0;
  }

 private:
  __device__ uint4& slot(int u) const { return slots_[(stage_ * step_vectors + u) * warp_size]; }

  uint4* slots_;
  Cursor<matrices, Out> cursor_;
  int stage_ = 0;
};

// The part of x that this warp multiplies, with zeros outside the matrix, all asked for at once.
template <typename Out>
__device__ void load_part(const FewRows<Out>& p, bfloat16* part) {
  const int vectors = p.steps * step / vector;
  for (int row = 0; row < p.rows; ++row) {
    for (int i = lane(); i < vectors; i += warp_size) {
      const int column = part_of(p) + i * vector;
      const bool inside = column < p.k;
      copy_async(part + row * p.x_stride() + i * vector, p.x[row] + (inside ? column : 0), inside);
    }
  }
  end_copies();
  wait_for_copies<0>();
  __syncwarp();
}

// The sums of tiles, from the warps that multiply to the one that stores.
template <int matrices>
class Handover {
 public:
  struct Shared {
    float sums[buffers][matrices][warps][sums_size];
    ArrivalBarrier full[buffers], empty[buffers];
  };

  __device__ explicit Handover(Shared& shared) : shared_(shared) {}

  // By one thread, before a __syncthreads().
  __device__ void init() {
    for (int i = 0; i < buffers; ++i) {
      shared_.full[i].init(warps * warp_size);
      shared_.empty[i].init(warp_size);
    }
  }

  // This warp's sums of the tile of a turn; goes on while it is stored.
  __device__ void send(int turn, const float2 (&sums)[matrices]) {
    const int buffer = turn % buffers;
    shared_.empty[buffer].wait(turn / buffers - 1);
#pragma unroll
    for (int matrix = 0; matrix < matrices; ++matrix)
      reinterpret_cast<float2*>(shared_.sums[buffer][matrix][warp()])[lane()] = sums[matrix];
    shared_.full[buffer].arrive();
  }

  // Waits for those of all warps.
  __device__ void receive(int turn) const { shared_.full[turn % buffers].wait(turn / buffers); }

  // Their sum, in order.
  __device__ float total(int turn, int matrix, int element) const {
    float sum = 0;
#pragma unroll
    for (int w = 0; w < warps; ++w) sum += shared_.sums[turn % buffers][matrix][w][element];
    return sum;
  }

  __device__ void give_back(int turn) { shared_.empty[turn % buffers].arrive(); }

 private:
  Shared& shared_;
};

// This warp's part of the products of a tile: row g = lane / 4 of x at the columns 2 (lane % 4) and the next.
// Which element of k an MMA calls by which index does not matter, as long as x and the weights agree: lane t
// of four takes eight neighbours, for two MMAs.
template <int matrices, int stages, typename Out>
__device__ float2 multiply(const FewRows<Out>& p, WeightRing<matrices, stages, Out>& ring,
                           const bfloat16* part) {
  const bool inside = lane() / 4 < p.rows;
  const bfloat16* mine = part + (inside ? lane() / 4 : 0) * p.x_stride() + lane() % 4 * vector;
  float sums[2][4] = {};  // two, so that an MMA need not wait for the one before it
  for (int at = 0; at < p.steps; ++at) {
    uint4 weights[step_vectors];
    ring.receive(weights);
#pragma unroll
    for (int u = 0; u < step_vectors; ++u) {
      uint4 row = {};
      if (inside) row = *reinterpret_cast<const uint4*>(mine + at * step + u * unit);
      multiply_add(sums[0], {row.x, 0, row.y, 0}, weights[u].x, weights[u].y);
      multiply_add(sums[1], {row.z, 0, row.w, 0}, weights[u].z, weights[u].w);
    }
    // After the products, hence after the weights have left the ring.
    ring.request(p);
  }
  return {sums[0][0] + sums[1][0], sums[0][1] + sums[1][1]};
}

// A value that another kernel wrote, past the first cache.
__device__ float load_fresh(const float* from) { return __ldcg(from); }
__device__ float load_fresh(const bfloat16* from) {
  bfloat16 value;
  value.bits = __ldcg(&from->bits);
  return load(value);
}

// The warp that stores. What it adds it asks for while the others multiply.
template <int matrices, typename Out>
__device__ void store_tiles(const FewRows<Out>& p, Handover<matrices>& handover) {
  constexpr int each = sums_size / warp_size;  // elements of a tile for a lane
  int turn = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < p.tiles(); tile += static_cast<int>(gridDim.x)) {
    int rows[each], columns[each];
    bool inside[each];
    float bias[each] = {}, residual[each] = {};
#pragma unroll
    for (int i = 0; i < each; ++i) {
      const int element = i * warp_size + lane();
      rows[i] = element / tile_columns;
      columns[i] = tile * tile_columns + element % tile_columns;
      inside[i] = rows[i] < p.rows && columns[i] < p.columns;
      if (inside[i] && p.bias != nullptr) bias[i] = load(p.bias[columns[i]]);
      if (inside[i] && p.residual.data != nullptr) residual[i] = load_fresh(p.residual[rows[i]] + columns[i]);
    }
    handover.receive(turn);
#pragma unroll
    for (int i = 0; i < each; ++i) {
      if (!inside[i]) continue;
      const int element = i * warp_size + lane();
      float value = handover.total(turn, 0, element) + bias[i];
      if (p.activated) value = activate(p.activation, value);
      if constexpr (matrices == 2) value *= handover.total(turn, 1, element);
      store(p.out[rows[i]][columns[i]], value + residual[i]);
    }
    handover.give_back(turn++);
  }
}

constexpr std::size_t stage_bytes = sizeof(uint4) * warps * step_vectors * warp_size;

template <int matrices, int stages, typename Out>
std::size_t shared_bytes(const FewRows<Out>& p) {
  return stages * stage_bytes + sizeof(typename Handover<matrices>::Shared) +
         sizeof(bfloat16) * static_cast<std::size_t>(p.rows) * static_cast<std::size_t>(p.x_stride());
}

// A block walks over tiles of eight columns of out. Its warps each multiply along a part of k; the last warp
// adds up and stores.
template <int matrices, int stages, typename Out>
__global__ void __launch_bounds__(threads) multiply_few_rows(FewRows<Out> p) {
  using Sums = typename Handover<matrices>::Shared;
  extern __shared__ uint4 shared[];
  auto* handed = reinterpret_cast<Sums*>(shared + stages * stage_bytes / sizeof(uint4));
  bfloat16* part = reinterpret_cast<bfloat16*>(handed + 1) + part_of(p);
  Handover<matrices> handover(*handed);
  WeightRing<matrices, stages, Out> ring(p, shared);
  const bool stores = warp() == warps;
  if (!stores) ring.fill(p);
  if (stores && lane() == 0) handover.init();
  __syncthreads();
  wait_for_previous();
  if (stores) {
    store_tiles(p, handover);
    return;
  }
  load_part(p, part);
  int turn = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < p.tiles(); tile += static_cast<int>(gridDim.x)) {
    float2 sums[matrices];
#pragma unroll
    for (int matrix = 0; matrix < matrices; ++matrix) sums[matrix] = multiply(p, ring, part);
    handover.send(turn++, sums);
  }
}

bool vectors_fit(const Tensor& t) {
  return reinterpret_cast<std::uintptr_t>(t.raw()) % sizeof(uint4) == 0 && t.dim(1) % vector == 0 &&
         (t.dim(0) == 1 || t.row_stride() % vector == 0);
}

bool covers(const Tensor& out, const Tensor& x, const Tensor& weight) {
  return x.dtype() == DType::bf16 && x.dim(0) <= most_rows && vectors_fit(x) && vectors_fit(weight) &&
         std::max(weight.dim(0), weight.dim(1)) <= INT32_MAX / 2 && out.count() > 0;
}

// Each block reads all of x. Where together they read more of it than a quarter of the weights, and each has
// more than one tile, cuBLASLt is faster.
template <int matrices, typename Out>
bool worth_it(const FewRows<Out>& p) {
  return p.tiles() <= p.blocks || 4 * p.rows * p.blocks <= matrices * p.columns;
}

// Each multiprocessor has one block: more than half of its memory is asked for, so that of a kernel that
// starts while the one before it ends no two blocks come to lie on one and leave another idle.
template <int matrices, int stages, typename Out>
bool launch(Context& ctx, const FewRows<Out>& p) {
  if (!worth_it<matrices>(p)) return false;
  const auto half =
      static_cast<std::size_t>(device_attribute(ctx, cudaDevAttrMaxSharedMemoryPerMultiprocessor) / 2 + 1024);
  const auto most = static_cast<std::size_t>(device_attribute(ctx, cudaDevAttrMaxSharedMemoryPerBlockOptin));
  const std::size_t bytes = std::max(shared_bytes<matrices, stages>(p), std::min(half, most));
  if (bytes > most) {
    if constexpr (stages > least_stages) return launch<matrices, least_stages>(ctx, p);
    return false;
  }
  const auto kernel = multiply_few_rows<matrices, stages, Out>;
  ARTEMIS_CUDA(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
  launch_chained(ctx, kernel, dim3(static_cast<unsigned>(p.blocks)), dim3(threads), bytes, p);
  return true;
}

template <typename Out>
FewRows<Out> few_rows(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight) {
  FewRows<Out> p{};
  p.out = mutable_rows_of<Out>(out);
  p.x = rows_of<bfloat16>(x);
  p.gate = rows_of<bfloat16>(weight);
  p.rows = static_cast<int>(out.dim(0));
  p.columns = static_cast<int>(out.dim(1));
  p.k = static_cast<int>(x.dim(1));
  p.steps = (p.k + warps * step - 1) / (warps * step);
  p.blocks = std::min(p.tiles(), device_attribute(ctx, cudaDevAttrMultiProcessorCount));
  return p;
}

}  // namespace

bool few_rows_linear(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const LinearEpilogue& epilogue) {
  if (!covers(out, x, weight)) return false;
  bool done = false;
  dispatch_real(out.dtype(), [&](auto element) {
    using Out = decltype(element);
    FewRows<Out> p = few_rows<Out>(ctx, out, x, weight);
    p.bias = data_or_null<bfloat16>(bias);
    if (epilogue.residual) p.residual = rows_of<Out>(epilogue.residual);
    p.activated = epilogue.activation.has_value();
    if (p.activated) p.activation = *epilogue.activation;
    done = launch<1, most_stages>(ctx, p);
  });
  return done;
}

bool few_rows_gated_linear(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& gate_weight,
                           const Tensor& up_weight, Activation activation) {
  if (!covers(out, x, gate_weight) || !vectors_fit(up_weight)) return false;
  FewRows<bfloat16> p = few_rows<bfloat16>(ctx, out, x, gate_weight);
  p.up = rows_of<bfloat16>(up_weight);
  p.activation = activation;
  p.activated = true;
  return launch<2, most_stages>(ctx, p);
}

}  // namespace artemis::cuda

// Drawing from rows of logits without sorting them. Each filter keeps a first part of the falling order, and
// of such parts the shorter has the lesser weight; so what a filter keeps is known by its weight alone, and
// each of them comes to one search: where in the order of all elements does a count or a weight lie?
//
// A search goes digit by digit over an element's place: a histogram of the elements that share the digits
// found so far, by all blocks of the row; the last of them to finish finds the next digit and cleans up. The
// histogram of the first digit serves all searches. Counts and weights are whole numbers, so that their sums
// do not depend on the order of the blocks.
#include <algorithm>
#include <vector>

#include "artemis/kernels/cuda/device.cuh"
#include "artemis/kernels/sampling.h"
#include "artemis/kernels/sampling_weight.h"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

// As atomicAdd takes it.
using Weight = unsigned long long;

constexpr int threads = 512;
// Elements of a thread: few rows are read by more blocks, of many all blocks run at once.
constexpr int each_of_few = 4;
constexpr int each_of_many = 16;
constexpr std::int64_t few_rows = 8;
constexpr int bins = 2048;
constexpr int bins_each = bins / threads;

// An element's place: 32 bits of its logit, falling, and 22 of its id. Digits from the top.
constexpr int id_bits = 22;
static_assert(most_sampling_logits == std::int64_t{1} << id_bits);
struct Digit {
  int level, shift, width;
};
constexpr Digit digits[] = {{0, 43, 11}, {1, 32, 11}, {2, 22, 10}, {3, 11, 11}, {4, 0, 11}};
constexpr int last_of_logit = 2;
constexpr int last_of_id = 4;

// What is searched: the end of top-k, by count; the end of top-p and the drawn token, by weight.
enum class Search : std::uint8_t { none, top_k, top_p, token };

struct Amount {
  Weight weight;
  Weight count;

  __device__ Amount operator+(const Amount& other) const {
    return {weight + other.weight, count + other.count};
  }
  __device__ Weight get(bool by_count) const { return by_count ? count : weight; }
};

struct Histogram {
  Weight weight[bins];
  unsigned count[bins];
};

// All zeros at first.
struct RowWork {
  unsigned largest;  // rising() of the largest logit; 0: none is a number
  unsigned arrived;  // blocks of this pass
  Weight near;       // weight of the elements that min-p keeps
  Weight kept;       // weight of those that the filters so far keep
  Weight prefix;     // digits found
  Amount before;     // what lies before the elements that share them
  Weight target;     // the search ends at the first element up to which so much lies, itself included
  bool by_count;
  bool alone;  // one element shares all digits of the drawn logit
  Histogram first, next;
};

struct RowRule {
  float temperature, top_p, farthest;
  Weight top_k;
  double uniform;
};

// The order of the numbers from 1 on; both zeros are the same.
__device__ unsigned rising(float x) {
  const unsigned bits = __float_as_uint(x == 0.0f ? 0.0f : x);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
__device__ float number_at(unsigned place) {
  return __uint_as_float(place >> 31 != 0 ? place ^ 0x80000000u : ~place);
}

// The elements of a row that are this thread's.
template <int each>
__device__ int column(int i) {
  return (static_cast<int>(blockIdx.x) * each + i) * threads + static_cast<int>(threadIdx.x);
}

// Temperature and the largest logit.
template <int each>
__global__ void __launch_bounds__(threads)
    prepare(Rows<float> logits, int cols, const RowRule* rules, RowWork* works) {
  __shared__ unsigned block_largest;
  let_next_start();
  wait_for_previous();
  if (threadIdx.x == 0) block_largest = 0;
  __syncthreads();
  const RowRule rule = rules[blockIdx.y];
  float* row = logits[blockIdx.y];
  unsigned largest = 0;
  float own[each];
#pragma unroll
  for (int i = 0; i < each; ++i) own[i] = column<each>(i) < cols ? row[column<each>(i)] : NAN;
#pragma unroll
  for (int i = 0; i < each; ++i) {
    const int col = column<each>(i);
    if (col >= cols) continue;
    float x = own[i];
    if (rule.temperature != 0.0f) x /= rule.temperature;
    row[col] = x;
    if (!isnan(x)) largest = max(largest, rising(x));
  }
  largest = __reduce_max_sync(all_lanes, largest);
  if (threadIdx.x % warp_size == 0) atomicMax(&block_largest, largest);
  __syncthreads();
  if (threadIdx.x == 0) atomicMax(&works[blockIdx.y].largest, block_largest);
}

// The sum over the threads up to this one.
__device__ Amount block_scan(Amount own) {
  __shared__ Amount warp_totals[threads / warp_size];
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  for (int step = 1; step < warp_size; step *= 2) {
    const Amount other{__shfl_up_sync(all_lanes, own.weight, step),
                       __shfl_up_sync(all_lanes, own.count, step)};
    if (lane >= step) own = own + other;
  }
  __syncthreads();  // the totals of a call before this one have been read
  if (lane == warp_size - 1) warp_totals[warp] = own;
  __syncthreads();
  for (int i = 0; i < warp; ++i) own = own + warp_totals[i];
  return own;
}

// A histogram as the block's threads hold it.
struct Scanned {
  Amount bin[bins_each];
  Amount before;  // this thread's bins
  Amount total;
};

__device__ Scanned scan(const Histogram& histogram) {
  __shared__ Amount total;
  Scanned scanned;
  Amount own{};
  for (int i = 0; i < bins_each; ++i) {
    const int bin = static_cast<int>(threadIdx.x) * bins_each + i;
    // From the level at which the atomics work.
    scanned.bin[i] = {__ldcg(&histogram.weight[bin]), __ldcg(&histogram.count[bin])};
    own = own + scanned.bin[i];
  }
  const Amount upto = block_scan(own);
  scanned.before = {upto.weight - own.weight, upto.count - own.count};
  if (threadIdx.x == threads - 1) total = upto;
  __syncthreads();
  scanned.total = total;
  return scanned;
}

// What a search knows between two passes; the same in each thread.
struct Progress {
  Weight prefix = 0;
  Amount before{};
  Weight target;
  bool by_count;
  Weight count = 0;  // of the elements that share the prefix

  // Goes on to the bin in which the target lies.
  __device__ void advance(const Scanned& scanned, int width) {
    __shared__ int found;
    __shared__ Amount before_found;
    __shared__ Weight count_found;
    Amount upto = before + scanned.before;
    for (int i = 0; i < bins_each; ++i) {
      const Amount start = upto;
      upto = upto + scanned.bin[i];
      if (start.get(by_count) < target && target <= upto.get(by_count)) {
        found = static_cast<int>(threadIdx.x) * bins_each + i;
        before_found = start;
        count_found = scanned.bin[i].count;
      }
    }
    __syncthreads();
    prefix = prefix << width | static_cast<Weight>(found);
    before = before_found;
    count = count_found;
    __syncthreads();
  }
};

// A new search, past the first digit.
__device__ Progress begin(Search search, const RowRule& rule, Weight kept, Weight near,
                          const Scanned& first) {
  Progress progress;
  progress.by_count = search == Search::top_k;
  if (search == Search::top_k) {
    progress.target = rule.top_k == 0 ? first.total.count : min(rule.top_k, first.total.count);
  } else if (search == Search::top_p) {
    progress.target = share_of_weight(rule.top_p, kept);
  } else {
    progress.target = point_in_weight(rule.uniform, min(kept, near)) + 1;
  }
  progress.advance(first, digits[0].width);
  return progress;
}

// The end of a pass, by the last block of the row.
__device__ void finish(std::int32_t* id, const RowRule& rule, RowWork& work, Digit digit, Search search,
                       Search next) {
  Progress progress{work.prefix, work.before, work.target, work.by_count};
  bool alone = false;
  Weight kept = work.kept;
  const Weight near = __ldcg(&work.near);
  if (digit.level == 0) {
    const Scanned first = scan(work.first);
    kept = first.total.weight;
    progress = begin(next, rule, kept, near, first);
  } else {
    progress.advance(scan(work.next), digit.width);
    for (int i = 0; i < bins_each; ++i) {
      const int bin = static_cast<int>(threadIdx.x) * bins_each + i;
      work.next.weight[bin] = 0;
      work.next.count[bin] = 0;
    }
  }
  if (digit.level == last_of_logit) {
    // Among equal elements.
    const float x = number_at(~static_cast<unsigned>(progress.prefix));
    const Weight weight = sampling_weight(number_at(work.largest), x);
    const Weight left = progress.target - progress.before.get(progress.by_count);
    const Weight taken = progress.by_count ? left : (left + weight - 1) / weight;
    if (search == Search::token) {
      alone = progress.count == 1;
      progress.target = taken;
      progress.by_count = true;
      progress.before = {};
    } else {
      kept = progress.before.weight + taken * weight;
      progress = begin(next, rule, kept, near, scan(work.first));
    }
  }
  if (threadIdx.x != 0) return;
  if (digit.level == last_of_id)
    *id = static_cast<std::int32_t>(progress.prefix & ((Weight{1} << id_bits) - 1));
  work.arrived = 0;
  work.kept = kept;
  work.prefix = progress.prefix;
  work.before = progress.before;
  work.target = progress.target;
  work.by_count = progress.by_count;
  work.alone = alone;
}

// Whether this block is the last of its row to come here; what the others have written is then visible.
__device__ bool arrives_last(RowWork& work) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(&work.arrived, 1u) == gridDim.x - 1;
  __syncthreads();
  if (last) __threadfence();
  return last;
}

// A block's counts and weights of up to `most` elements, in pieces of which the sums fit into 32 bits: the
// lower bits of a weight, as many in the middle, and the rest with the count above them.
struct BlockHistogram {
  static constexpr int piece = 18;
  static constexpr Weight most = threads * each_of_many;
  static_assert(most << piece <= Weight{1} << 31);
  static_assert((most << (sampling_weight_bits - 2 * piece)) < Weight{1} << piece);

  unsigned low[bins], middle[bins], high[bins];

  __device__ void clear() {
    for (int bin = static_cast<int>(threadIdx.x); bin < bins; bin += threads)
      low[bin] = middle[bin] = high[bin] = 0;
  }

  __device__ void add(unsigned bin, Weight weight) {
    constexpr unsigned mask = (1u << piece) - 1;
    atomicAdd(&low[bin], static_cast<unsigned>(weight) & mask);
    atomicAdd(&middle[bin], static_cast<unsigned>(weight >> piece) & mask);
    atomicAdd(&high[bin], static_cast<unsigned>(weight >> (2 * piece)) | 1u << piece);
  }

  __device__ void add_to(Histogram& histogram) const {
    for (int bin = static_cast<int>(threadIdx.x); bin < bins; bin += threads) {
      const unsigned count = high[bin] >> piece;
      if (count == 0) continue;
      const Weight rest = high[bin] & ((1u << piece) - 1);
      atomicAdd(&histogram.count[bin], count);
      atomicAdd(&histogram.weight[bin], (rest << (2 * piece)) + (Weight{middle[bin]} << piece) + low[bin]);
    }
  }
};

// One digit of one search; after the first digit and after the last of the logit, `next` begins.
template <int each>
__global__ void __launch_bounds__(threads)
    pass(std::int32_t* ids, Rows<const float> logits, int cols, const RowRule* rules, RowWork* works,
         Digit digit, Search search, Search next) {
  __shared__ BlockHistogram sums;
  sums.clear();
  let_next_start();
  wait_for_previous();
  RowWork& work = works[blockIdx.y];
  const float* row = logits[blockIdx.y];
  float own[each];
#pragma unroll
  for (int i = 0; i < each; ++i) own[i] = column<each>(i) < cols ? row[column<each>(i)] : NAN;
  if (work.largest == 0) {
    if (blockIdx.x == 0 && threadIdx.x == 0) ids[blockIdx.y] = -1;
    return;
  }
  const RowRule& rule = rules[blockIdx.y];
  __syncthreads();
  const float largest = number_at(work.largest);
  const float lowest = largest - rule.farthest;
  const Weight prefix = work.prefix;
  if (digit.level > last_of_logit && work.alone) {
    if (digit.level == last_of_id) return;
#pragma unroll
    for (int i = 0; i < each; ++i) {
      if (!isnan(own[i]) && static_cast<Weight>(~rising(own[i])) == prefix) ids[blockIdx.y] = column<each>(i);
    }
    return;
  }
  Weight near = 0;
#pragma unroll
  for (int i = 0; i < each; ++i) {
    const float x = own[i];
    const int col = column<each>(i);
    const Weight place = static_cast<Weight>(~rising(x)) << id_bits | static_cast<Weight>(col);
    if (isnan(x) || place >> (digit.shift + digit.width) != prefix) continue;
    const auto bin = static_cast<unsigned>(place >> digit.shift) & ((1u << digit.width) - 1);
    const Weight weight = sampling_weight(largest, x);
    if (!(x < lowest)) near += weight;
    sums.add(bin, weight);
  }
  __syncthreads();
  sums.add_to(digit.level == 0 ? work.first : work.next);
  if (digit.level == 0) {
    for (int step = warp_size / 2; step > 0; step /= 2) near += __shfl_xor_sync(all_lanes, near, step);
    if (threadIdx.x % warp_size == 0 && near > 0) atomicAdd(&work.near, near);
  }
  if (arrives_last(work)) finish(ids + blockIdx.y, rule, work, digit, search, next);
}

RowRule rule_of(const RowSampling& how) {
  const bool greedy = how.temperature == 0.0f;
  return {.temperature = how.temperature,
          .top_p = how.top_p,
          .farthest = farthest_below(how.min_p),
          .top_k = greedy ? 1 : static_cast<Weight>(how.top_k),
          .uniform = how.uniform};
}

// The searches that some row needs, in their order; to the others they change nothing.
std::vector<Search> searches_of(std::span<const RowRule> rules) {
  std::vector<Search> searches;
  if (std::ranges::any_of(rules, [](const RowRule& rule) { return rule.top_k > 0; })) {
    searches.push_back(Search::top_k);
  }
  if (std::ranges::any_of(rules, [](const RowRule& rule) { return rule.top_p < 1.0f; })) {
    searches.push_back(Search::top_p);
  }
  searches.push_back(Search::token);
  return searches;
}

template <typename T>
T* typed(const Tensor& bytes) {
  return reinterpret_cast<T*>(bytes.mutable_raw());
}

template <int each>
void launch_all(Context& ctx, const Tensor& ids, const Tensor& logits, std::span<const RowSampling> rows) {
  const Arena::Scope scope(ctx.arena());
  std::vector<RowRule> rules;
  for (const RowSampling& how : rows) rules.push_back(rule_of(how));
  const std::int64_t count = logits.dim(0);
  const Tensor rules_there =
      ctx.upload(DType::u8, {count * static_cast<std::int64_t>(sizeof(RowRule))}, rules.data());
  const Tensor works = ctx.allocate(DType::u8, {count * static_cast<std::int64_t>(sizeof(RowWork))});
  ARTEMIS_CUDA(cudaMemsetAsync(works.mutable_raw(), 0, works.bytes(), stream(ctx)));
  const int cols = static_cast<int>(logits.dim(1));
  const dim3 grid(blocks_for(cols, threads * each), static_cast<unsigned>(count));
  launch_chained(ctx, prepare<each>, grid, threads, 0, mutable_rows_of<float>(logits), cols,
                 typed<RowRule>(rules_there), typed<RowWork>(works));
  const auto launch = [&](int level, Search search, Search next) {
    launch_chained(ctx, pass<each>, grid, threads, 0, ids.mutable_data<std::int32_t>(),
                   rows_of<float>(logits), cols, typed<RowRule>(rules_there), typed<RowWork>(works),
                   digits[level], search, next);
  };
  const std::vector<Search> searches = searches_of(rules);
  launch(0, Search::none, searches[0]);
  for (std::size_t i = 0; i < searches.size(); ++i) {
    const Search next = i + 1 < searches.size() ? searches[i + 1] : Search::none;
    launch(1, searches[i], Search::none);
    launch(last_of_logit, searches[i], next);
  }
  launch(3, Search::token, Search::none);
  launch(last_of_id, Search::token, Search::none);
}

}  // namespace

void sample_rows(Context& ctx, const Tensor& ids, const Tensor& logits, std::span<const RowSampling> rows) {
  if (rows.empty()) return;
  const auto launch = logits.dim(0) <= few_rows ? launch_all<each_of_few> : launch_all<each_of_many>;
  launch(ctx, ids, logits, rows);
}

}  // namespace artemis::cuda

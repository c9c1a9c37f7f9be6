#include <cstring>
#include <vector>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

ARTEMIS_VECTORISED std::uint64_t sum_of(const std::byte* bytes, std::int64_t words) {
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * 8, 8);
    sum += word;
  }
  return sum;
}

}  // namespace

void sum_words(Context& ctx, const Tensor& sum, const Tensor& x) {
  constexpr std::int64_t tiles = 64;
  const auto words = static_cast<std::int64_t>(x.bytes() / 8);
  std::vector<std::uint64_t> sums(tiles);
  ctx.pool().run(tiles, [&](std::int64_t tile) {
    const std::int64_t begin = words * tile / tiles;
    const std::int64_t end = words * (tile + 1) / tiles;
    sums[static_cast<std::size_t>(tile)] = sum_of(x.raw() + begin * 8, end - begin);
  });
  std::uint64_t total = 0;
  for (const std::uint64_t part : sums) total += part;
  sum.mutable_data<std::int64_t>()[0] = static_cast<std::int64_t>(total);
}

}  // namespace artemis::cpu

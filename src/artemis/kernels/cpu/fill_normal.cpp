#include <cmath>
#include <numbers>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/normal_source.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

// The elements [begin, end), begin at the start of a group.
template <typename T>
void fill_range(T* out, std::int64_t begin, std::int64_t end, float deviation, std::uint64_t seed,
                std::uint64_t stream) {
  for (std::int64_t i = begin; i < end; i += normal_group) {
    const NormalUniforms even = normal_uniforms(seed, stream, static_cast<std::uint64_t>(i / normal_group));
    float values[normal_group];
    for (int pair = 0; pair < 2; ++pair) {
      const float radius = deviation * std::sqrt(-2.0f * std::log(even.radius[pair]));
      const float angle = 2.0f * std::numbers::pi_v<float> * even.angle[pair];
      values[2 * pair] = radius * std::cos(angle);
      values[2 * pair + 1] = radius * std::sin(angle);
    }
    for (std::int64_t j = 0; j < std::min(normal_group, end - i); ++j) store(out[i + j], values[j]);
  }
}

}  // namespace

void fill_normal(Context& ctx, const Tensor& out, float deviation, std::uint64_t seed, std::uint64_t stream) {
  static_assert(piece_elements % normal_group == 0);
  dispatch_real(out.dtype(), [&](auto element) {
    using T = decltype(element);
    ctx.pool().ranges(out.count(), piece_elements, [&](std::int64_t begin, std::int64_t end) {
      fill_range(out.mutable_data<T>(), begin, end, deviation, seed, stream);
    });
  });
}

}  // namespace artemis::cpu

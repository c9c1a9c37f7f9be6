#include "artemis/image/patchify.h"

#include <cstring>

namespace artemis {
namespace {

using Table = std::array<std::array<float, 256>, 3>;

// One patch whose first sample is at `pixels`; `stride` samples lie between its lines.
void write_patch(float* out, const std::uint8_t* pixels, std::int64_t stride, const PatchSizes& sizes,
                 const Table& table) {
  const std::int64_t area = sizes.patch * sizes.patch;
  for (std::size_t c = 0; c < table.size(); ++c) {
    float* frame = out;
    for (std::int64_t y = 0; y < sizes.patch; ++y)
      for (std::int64_t x = 0; x < sizes.patch; ++x)
        *out++ = table[c][pixels[y * stride + 3 * x + static_cast<std::int64_t>(c)]];
    for (std::int64_t t = 1; t < sizes.temporal; ++t, out += area)
      std::memcpy(out, frame, static_cast<std::size_t>(area) * sizeof(float));
  }
}

}  // namespace

void patchify(const Tensor& rows, const Tensor& pixels, const PreprocessorConfig& config, ThreadPool& pool) {
  const PatchSizes& sizes = config.sizes;
  const std::int64_t grid_h = pixels.dim(0) / sizes.patch;
  const std::int64_t grid_w = pixels.dim(1) / sizes.patch;
  const std::int64_t width = 3 * sizes.temporal * sizes.patch * sizes.patch;
  ARTEMIS_ASSERT(pixels.dim(0) % config.factor() == 0 && pixels.dim(1) % config.factor() == 0);
  ARTEMIS_ASSERT(rows.shape() == Shape({grid_h * grid_w, width}) && rows.contiguous() && pixels.contiguous());
  const Table table = normalisation_table(config);
  const std::int64_t stride = pixels.dim(1) * 3;
  const std::int64_t block_rows = grid_h / sizes.merge;
  pool.run(block_rows, [&](std::int64_t block_h) {
    float* out = rows.mutable_data<float>() + block_h * sizes.merge * grid_w * width;
    for (std::int64_t block_w = 0; block_w < grid_w / sizes.merge; ++block_w)
      for (std::int64_t intra_h = 0; intra_h < sizes.merge; ++intra_h)
        for (std::int64_t intra_w = 0; intra_w < sizes.merge; ++intra_w, out += width) {
          const std::int64_t y = (block_h * sizes.merge + intra_h) * sizes.patch;
          const std::int64_t x = (block_w * sizes.merge + intra_w) * sizes.patch;
          write_patch(out, pixels.data<std::uint8_t>() + y * stride + x * 3, stride, sizes, table);
        }
  });
}

}  // namespace artemis

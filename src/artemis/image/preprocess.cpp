#include "artemis/image/preprocess.h"

#include <functional>

#include "artemis/image/patchify.h"
#include "artemis/image/resize.h"

namespace artemis {
namespace {

Tensor fit(const Tensor& pixels, const PreprocessorConfig& config, std::string_view name, ThreadPool& pool) {
  const PictureSize size{pixels.dim(0), pixels.dim(1)};
  if (config.do_resize)
    return resize_bicubic(
        pixels, smart_resize(size, config.factor(), config.min_pixels, config.max_pixels, name), &pool);
  require(size.height % config.factor() == 0 && size.width % config.factor() == 0, name,
          "picture of {}x{} pixels, expected multiples of {} because do_resize is false", size.width,
          size.height, config.factor());
  return pixels;
}

// Over several pictures the threads take one each; over a single one they share its rows.
void each_picture(std::size_t count, ThreadPool& pool, const std::function<void(std::size_t)>& body) {
  if (count == 1)
    body(0);
  else
    pool.run(static_cast<std::int64_t>(count), [&](std::int64_t i) { body(static_cast<std::size_t>(i)); });
}

PatchedImages patch_all(std::span<const Tensor> fitted, const PreprocessorConfig& config, ThreadPool& pool) {
  const PatchSizes& sizes = config.sizes;
  PatchedImages out;
  std::vector<std::int64_t> first = {0};
  for (const Tensor& pixels : fitted) {
    const std::array<std::int64_t, 3> grid = {1, pixels.dim(0) / sizes.patch, pixels.dim(1) / sizes.patch};
    out.grid_thw.push_back(grid);
    first.push_back(first.back() + grid[1] * grid[2]);
  }
  out.pixel_values =
      Tensor::allocate(DType::f32, {first.back(), 3 * sizes.temporal * sizes.patch * sizes.patch});
  for (std::size_t i = 0; i < fitted.size(); ++i)
    patchify(out.pixel_values.rows(first[i], first[i + 1]), fitted[i], config, pool);
  return out;
}

}  // namespace

PatchedImages preprocess(std::span<const EncodedImage> images, const PreprocessorConfig& config,
                         ThreadPool& pool, const DecodeOptions& options) {
  std::vector<Tensor> fitted(images.size());
  each_picture(images.size(), pool, [&](std::size_t i) {
    const Image image = decode(images[i].bytes, images[i].name, options);
    fitted[i] = fit(image.pixels, config, images[i].name, pool);
  });
  return patch_all(fitted, config, pool);
}

PatchedImages preprocess_pixels(std::span<const Tensor> pictures, std::span<const std::string> names,
                                const PreprocessorConfig& config, ThreadPool& pool) {
  ARTEMIS_ASSERT(pictures.size() == names.size());
  std::vector<Tensor> fitted(pictures.size());
  each_picture(pictures.size(), pool,
               [&](std::size_t i) { fitted[i] = fit(pictures[i], config, names[i], pool); });
  return patch_all(fitted, config, pool);
}

}  // namespace artemis

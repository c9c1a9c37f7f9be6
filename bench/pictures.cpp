// Image preprocessing: decode, resize, normalise and cut into patches. Bound by reading and writing the
// pixels once.
#include <filesystem>

#include "artemis/image/preprocess.h"
#include "artemis/io/atomic_file.h"
#include "bench.h"

namespace artemis::bench {

void bench_pictures(Context& ctx, std::vector<Line>& lines, const Ceilings& ceilings) {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ARTEMIS_SOURCE_DIR) + "/lab/quickstart/photos")) {
    if (entry.path().extension() == ".jpg") files.push_back(read_file(entry.path()));
  }
  std::vector<EncodedImage> images;
  for (const std::string& file : files) images.push_back({std::as_bytes(std::span(file)), "photo"});
  PreprocessorConfig config;
  std::int64_t bytes = 0;
  const double seconds = median_seconds([&] {
    bytes = static_cast<std::int64_t>(preprocess(images, config, ctx.pool()).pixel_values.bytes());
  });
  const double rate = static_cast<double>(images.size()) / seconds;
  lines.push_back({"image preprocessing, 224 px JPEG", rate, "images/s",
                   static_cast<double>(bytes) / seconds / 1e9, ceilings.read, "GB/s"});
}

}  // namespace artemis::bench
